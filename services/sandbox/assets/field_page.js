// Inside the iframe: sends the typed card to the sandbox and passes only the token to the parent.
const form = document.querySelector("form");
const parentOrigin = form.dataset.parent;
const error = document.querySelector("[data-error]");
const done = document.querySelector("[data-done]");

const post = (message) => {
  if (window.parent !== window) window.parent.postMessage(message, parentOrigin);
};
const postHeight = () =>
  post({ type: "incasso-sandbox-height", height: Math.ceil(document.documentElement.getBoundingClientRect().height) + 4 });

function groupDigits(input, sizes, separator) {
  input.addEventListener("input", () => {
    if (input.selectionStart !== input.value.length) return;
    let digits = input.value.replace(/\D/g, "").slice(0, sizes.reduce((sum, size) => sum + size, 0));
    const groups = [];
    for (const size of sizes) {
      if (!digits) break;
      groups.push(digits.slice(0, size));
      digits = digits.slice(size);
    }
    input.value = groups.join(separator);
  });
}
groupDigits(form.number, [4, 4, 4, 4], " ");
groupDigits(form.expiry, [2, 2], "/");

function show(problem) {
  for (const input of form.querySelectorAll("input")) {
    const wrong = problem !== null && input.name === problem.field;
    input.setAttribute("aria-invalid", String(wrong));
    if (wrong) input.focus();
  }
  error.textContent = problem ? problem.message : "";
  error.hidden = !problem;
}

async function submit() {
  show(null);
  const button = form.querySelector("button");
  if (button) button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ number: form.number.value, expiry: form.expiry.value, cvc: form.cvc.value }),
    });
    const body = await answer.json();
    if (!answer.ok) {
      const words = body.code === "not_a_test_card" ? form.dataset.notATestCard : form.dataset[body.field];
      const problem = { field: body.field ?? null, message: words ?? body.message };
      show(problem);
      post({ type: "incasso-sandbox-error", ...problem });
      return;
    }
    form.reset();
    done.textContent = `${done.dataset.text} ${body.brand} •••• ${body.last4}`;
    done.hidden = false;
    post({ type: "incasso-sandbox-token", token: body.token, brand: body.brand, last4: body.last4 });
  } catch {
    const problem = { field: null, message: form.dataset.unreachable };
    show(problem);
    post({ type: "incasso-sandbox-error", ...problem });
  } finally {
    if (button) button.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
window.addEventListener("message", (event) => {
  if (event.origin === parentOrigin && event.data?.type === "incasso-sandbox-submit") submit();
});
// Narrower, wider, with an error or without: the parent gives as much room as is needed.
new ResizeObserver(postHeight).observe(document.documentElement);
