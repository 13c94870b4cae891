// The demo page sets the component's attributes from the URL's hash and shows the events it fired.
const element = document.querySelector("incasso-one-click");
const log = document.querySelector(".event");
const names = ["ready", "paid", "declined", "pending", "requires-action", "undone", "expired"];

for (const name of names) {
  element.addEventListener(`incasso-${name}`, (event) => {
    const payment = event.detail?.payment;
    log.textContent = `incasso-${name}${payment ? ` · ${payment.id} ${payment.state}` : ""}`;
  });
}

function read() {
  const values = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of values) element.setAttribute(name, value);
  document.querySelector(".hint").hidden = values.has("session-id");
  element.hidden = !values.has("session-id");
}

addEventListener("hashchange", read);
read();
