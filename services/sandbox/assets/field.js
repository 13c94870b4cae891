// The sandbox's card field for a shop's page:
//   const field = IncassoSandbox.mount(element, { account: "sandbox-a", onToken: (card) => … });
//   card = { token, brand, last4 }; with `button: false` the page calls `await field.submit()`.
(() => {
  const origin = new URL(document.currentScript.src).origin;

  function mount(element, { account, locale, button = true, onToken, onError } = {}) {
    const query = new URLSearchParams({ parent: window.location.origin });
    if (locale) query.set("locale", locale);
    if (!button) query.set("button", "0");
    const frame = document.createElement("iframe");
    frame.src = `${origin}/psp/${encodeURIComponent(account)}/field?${query}`;
    frame.title = locale && locale.startsWith("it") ? "Dati della carta" : "Card details";
    frame.style.cssText = "border:0;width:100%;height:260px;color-scheme:normal";
    let waiting = null;

    function listen(event) {
      if (event.origin !== origin || event.source !== frame.contentWindow) return;
      const message = event.data || {};
      if (message.type === "incasso-sandbox-height") frame.style.height = `${message.height}px`;
      if (message.type === "incasso-sandbox-token") {
        const card = { token: message.token, brand: message.brand, last4: message.last4 };
        if (onToken) onToken(card);
        if (waiting) waiting.resolve(card);
        waiting = null;
      }
      if (message.type === "incasso-sandbox-error") {
        if (onError) onError(message);
        if (waiting) waiting.reject(new Error(message.message));
        waiting = null;
      }
    }

    window.addEventListener("message", listen);
    element.replaceChildren(frame);
    return {
      submit() {
        return new Promise((resolve, reject) => {
          waiting = { resolve, reject };
          frame.contentWindow.postMessage({ type: "incasso-sandbox-submit" }, origin);
        });
      },
      destroy() {
        window.removeEventListener("message", listen);
        frame.remove();
      },
    };
  }

  window.IncassoSandbox = { mount };
})();
