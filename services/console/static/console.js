// Keyboard shortcuts; every page works without them.
"use strict";
const typing = (event) => event.target.closest("input, textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-row]")];

function step(by) {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.querySelector("a, button")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") document.querySelector(".person[open]")?.removeAttribute("open");
  if (typing(event)) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search")?.focus();
  }
  if (event.key === "j") step(1);
  if (event.key === "k") step(-1);
  const row = document.activeElement?.closest("[data-row]") ?? document;
  const button = row.querySelector(`[data-press="${CSS.escape(event.key)}"]`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});

// An impatient second click does not send a form again.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));
document.querySelector('[role="alert"]')?.focus();

// Polls work in progress until it is over; without this there is a link.
async function follow() {
  const live = document.querySelector("[data-live]");
  if (!live) return;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("main").replaceChildren(...page.querySelector("main").childNodes);
  follow();
}
follow();
