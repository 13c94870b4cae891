// The demo page sets the component's attributes from the URL's hash, changes its price, and shows the events it fired.
const element = document.querySelector("incasso-instalments");
const price = document.querySelector("#price");
const log = document.querySelector(".event");

for (const name of ["ready", "none", "failed"]) {
  element.addEventListener(`incasso-instalments-${name}`, ({ detail }) => {
    const reasons = (detail.offers ?? []).map((offer) => (offer.available ? offer.label : offer.reason));
    log.textContent = `incasso-instalments-${name} · ${detail.code ?? reasons.join(", ")}`;
  });
}

function read() {
  const values = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of values) element.setAttribute(name, value);
  document.querySelector(".hint").hidden = values.has("publishable-key");
  if (values.has("amount-minor")) price.value = (values.get("amount-minor") / 100).toFixed(2);
}

price.addEventListener("input", () => element.setAttribute("amount-minor", Math.round(price.value * 100)));
price.form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", read);
read();
