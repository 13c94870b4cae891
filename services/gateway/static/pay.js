// Behaviour of the pay page, the shop page and the page of a plan. Without this file everything but the PSP's card
// field works: forms are plain forms, and waiting pages reload themselves.
(() => {
  const { body } = document;
  const pageUrl = () => {
    const url = new URL(window.location.href);
    url.searchParams.delete("notice");
    return url;
  };

  for (const element of document.querySelectorAll(".js-only")) element.hidden = false;
  for (const element of document.querySelectorAll(".no-js-only")) element.remove();
  // A message is shown once: a reload shows the page without it.
  const shownUrl = pageUrl();
  if (shownUrl.href !== window.location.href && !window.location.pathname.endsWith("/buy")) {
    window.history.replaceState(null, "", shownUrl);
  }
  document.querySelector("[data-focus]")?.focus();

  // --- one click, one form -------------------------------------------------------------------
  const labels = new Map();
  function setBusy(button, busy) {
    if (!labels.has(button)) labels.set(button, button.textContent);
    button.setAttribute("aria-busy", String(busy));
    button.textContent = busy && button.dataset.busy ? button.dataset.busy : labels.get(button);
  }
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "yes";
      if ("pays" in form.dataset) remember();
      if (event.submitter) setBusy(event.submitter, true);
    });
  }
  // Restored from the back/forward cache: show the current state.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });

  // --- the bank's challenge: opens automatically, once, in the tab that has just paid; back, reload
  // and other tabs show the page with its button -------------------------------------------------
  const memory = `incasso-paying ${window.location.pathname}`;
  function remember() {
    try { window.sessionStorage.setItem(memory, "yes"); } catch { /* then the shopper has to click */ }
  }
  function recall() {
    try {
      const found = window.sessionStorage.getItem(memory);
      window.sessionStorage.removeItem(memory);
      return found !== null;
    } catch { return false; }
  }
  let leaving = false;
  const challenge = document.querySelector("[data-challenge]");
  // While the payment is being processed, a challenge may still come.
  if (!["processing", "plan-processing"].includes(body.dataset.view) && recall() && challenge) {
    leaving = true;
    setBusy(challenge, true);
    window.location.assign(challenge.href);
  }

  // --- small comforts ------------------------------------------------------------------------
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const before = button.textContent;
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = button.dataset.done;
        button.nextElementSibling.textContent = button.dataset.done;
        setTimeout(() => {
          button.textContent = before;
          button.nextElementSibling.textContent = "";
        }, 2000);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(button.previousElementSibling);
        window.getSelection().removeAllRanges();
        window.getSelection().addRange(range);
      }
    });
  }
  document.querySelector("[data-print]")?.addEventListener("click", () => window.print());

  // --- seen: reported for people, not for scanners and prefetchers -----------------------------
  if (body.dataset.view === "open" || body.dataset.view === "quote") {
    let reported = false;
    const report = () => {
      if (reported || document.prerendering || document.visibilityState !== "visible") return;
      reported = true;
      navigator.sendBeacon(`${window.location.pathname}/seen`);
    };
    let timer = setTimeout(report, 2000);
    for (const kind of ["pointerdown", "keydown", "scroll"]) {
      window.addEventListener(kind, report, { once: true, passive: true });
    }
    const again = () => {
      clearTimeout(timer);
      timer = setTimeout(report, 2000);
    };
    document.addEventListener("visibilitychange", again);
    document.addEventListener("prerenderingchange", again);
  }

  // --- live ------------------------------------------------------------------------------------
  let paying = false;
  if ("live" in body.dataset) {
    const query = new URLSearchParams({ version: body.dataset.version });
    if (body.dataset.use) query.set("use", body.dataset.use);
    const source = new EventSource(`${window.location.pathname}/events?${query}`);
    const ends = ["paying", "paid", "expired", "cancelled"];
    const waits = !["open", "quote"].includes(body.dataset.view);
    source.addEventListener("changed", (event) => {
      const { state } = JSON.parse(event.data);
      // A shopper who is entering a card is not interrupted by changes that do not matter to them.
      const matters = waits || ends.includes(state);
      if (!matters || paying || leaving || document.querySelector("form[data-sent]")) return;
      source.close();
      window.location.replace(pageUrl());
    });
    // Refused, e.g. because too many pages of this link are open: a waiting page reloads.
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED || !waits || leaving) return;
      setTimeout(() => window.location.replace(pageUrl()), 10000);
    });
    window.addEventListener("pagehide", () => source.close());
  }

  // --- a plan whose payment is in progress: polls for changes -------------------------------------
  if ("looks" in body.dataset) {
    const poll = async () => {
      try {
        const answer = await fetch(pageUrl(), { method: "HEAD", cache: "no-store" });
        const tag = answer.headers.get("ETag") ?? "";
        const sending = leaving || paying || document.querySelector("form[data-sent]");
        if (answer.ok && !sending && !tag.includes(body.dataset.looks)) {
          window.location.replace(pageUrl());
          return;
        }
      } catch { /* unreachable: tries again */ }
      setTimeout(poll, 4000);
    };
    setTimeout(poll, 4000);
  }

  // --- the PSP's card field ----------------------------------------------------------------------
  const form = document.getElementById("card-form");
  if (!form) return;
  const place = form.querySelector("[data-field]");
  const button = form.querySelector("button[data-busy]");
  const problem = form.querySelector("[data-problem]");
  const colours = getComputedStyle(body);

  function show(text) {
    problem.querySelector("p").textContent = text;
    problem.hidden = !text;
  }
  function complain(text) {
    show(text);
    problem.focus();
  }

  // Each adapter: mount(element, onCard, onChange) → { submit(): Promise<{ token, brand, last4 }> }.
  const adapters = {
    sandbox(element, onCard) {
      return window.IncassoSandbox.mount(element, {
        account: form.dataset.key,
        locale: document.documentElement.lang,
        button: false,
        onToken: onCard,
      });
    },
    stripe(element, onCard, onChange) {
      const stripe = window.Stripe(form.dataset.key, { locale: document.documentElement.lang });
      const style = {
        base: { fontSize: "16px", color: colours.color, "::placeholder": { color: colours.getPropertyValue("--quiet").trim() } },
        invalid: { color: colours.getPropertyValue("--danger").trim() },
      };
      const card = stripe.elements().create("card", { style, hidePostalCode: true });
      element.replaceChildren();
      element.classList.add("typed");
      card.mount(element);
      card.on("change", (event) => onChange(event?.error?.message ?? ""));
      return {
        async submit() {
          const answer = await stripe.createPaymentMethod({ type: "card", card });
          if (!answer || answer.error) throw new Error(answer?.error?.message ?? "");
          const { id, card: made } = answer.paymentMethod;
          return { token: id, brand: made.brand, last4: made.last4 };
        },
      };
    },
  };

  let field = null;
  function send(card) {
    if (paying === "sent") return;
    if (!form.reportValidity()) { // Enter within the PSP's field skips the form's own check
      paying = false;
      setBusy(button, false);
      return;
    }
    paying = "sent";
    remember();
    setBusy(button, true);
    form.elements.card_token.value = card.token;
    form.elements.brand.value = card.brand ?? "";
    form.elements.last4.value = card.last4 ?? "";
    form.submit();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (paying || !field) return;
    if (!form.reportValidity()) return;
    paying = "asking";
    show("");
    setBusy(button, true);
    try {
      send(await field.submit());
    } catch (error) {
      paying = false;
      setBusy(button, false);
      complain(error.message || form.dataset.failed);
    }
  });

  function mount() {
    const adapter = adapters[form.dataset.psp];
    try {
      field = adapter(place, send, show);
      button.disabled = false;
    } catch {
      place.hidden = true;
      complain(form.dataset.unreachable);
    }
  }

  function load() {
    if (form.dataset.loading) return;
    form.dataset.loading = "yes";
    const script = document.createElement("script");
    script.src = form.dataset.script;
    script.addEventListener("load", mount);
    script.addEventListener("error", () => {
      place.hidden = true;
      complain(form.dataset.unreachable);
    });
    document.head.append(script);
  }
  const method = form.closest("details");
  if (method.open) load();
  method.addEventListener("toggle", () => method.open && load());
})();
