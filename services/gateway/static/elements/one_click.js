// <incasso-one-click>: pays an order that the shop's server opened as a one-click session.
//
//   <script type="module" src="https://pay.shop.example/js/v1/incasso.js"></script>
//   <incasso-one-click publishable-key="pk_…" session-id="ocs_…" client-secret="…"></incasso-one-click>
//
// Attributes: publishable-key, session-id, client-secret, gateway (this script's origin when
// absent), lang (the session's, then the page's). Colours and shape by custom properties:
// --incasso-accent, --incasso-accent-ink, --incasso-ink, --incasso-quiet, --incasso-line,
// --incasso-danger, --incasso-radius, --incasso-font. Parts: button, undo, message.
// Events (they bubble; detail is the session): incasso-ready, incasso-paid, incasso-declined,
// incasso-pending, incasso-requires-action, incasso-undone, incasso-expired.
//
// No answer is not a "no": anything but a clear refusal is shown as "we are checking", and the
// session is polled until its outcome is known.

const POLL_MS = [1000, 1500, 2000, 3000, 5000, 8000, 10000];

const ONE_CLICK_TEXTS = {
  en: {
    pay: "Pay {amount} with {card}",
    loading: "Loading…",
    paying: "Paying {amount}…",
    redirect: "Your bank wants to check that it is you. Opening its page…",
    confirm: "Confirm with your bank",
    checking: "We are checking your payment. You do not need to pay again.",
    pending: "Your bank has accepted the payment and will confirm it later. You do not need to pay again.",
    paid: "Paid {amount}. Thank you!",
    held: "Order placed: {amount}. You can still undo it.",
    undo: "Undo ({time})",
    undoing: "Undoing…",
    undone: "The order was undone. Nothing was charged.",
    undoFailed: "It could not be undone any more.",
    declined: "The payment was not accepted. Nothing was charged. You can try again.",
    insufficient_funds: "The card does not have enough money. Nothing was charged. You can try again later.",
    card_expired: "The card has expired. Nothing was charged. Please use another card.",
    card_blocked: "This card cannot be used. Nothing was charged. Please use another card.",
    authentication_failed: "Your bank could not confirm that it is you. Nothing was charged. You can try again.",
    expired: "This order has expired. Go back to the shop to start again.",
    noCard: "There is no saved card to pay with.",
    refused: "This order cannot be paid by one click. Please choose another way of paying.",
    orderPaid: "This order has a payment already. Nothing was charged a second time.",
    busy: "A lot is going on. Please try again in a moment.",
    unreachable: "The connection is interrupted. Trying again…",
    broken: "This payment button is not set up correctly.",
    again: "Try again: {amount} with {card}",
  },
  it: {
    pay: "Paga {amount} con {card}",
    loading: "Caricamento…",
    paying: "Pagamento di {amount} in corso…",
    redirect: "La tua banca vuole verificare che sei tu. Apriamo la sua pagina…",
    confirm: "Conferma con la tua banca",
    checking: "Stiamo verificando il pagamento. Non devi pagare di nuovo.",
    pending: "La tua banca ha accettato il pagamento e lo confermerà più tardi. Non devi pagare di nuovo.",
    paid: "Pagato {amount}. Grazie!",
    held: "Ordine inviato: {amount}. Puoi ancora annullarlo.",
    undo: "Annulla ({time})",
    undoing: "Annullamento in corso…",
    undone: "L’ordine è stato annullato. Non ti è stato addebitato nulla.",
    undoFailed: "Non è più possibile annullare.",
    declined: "Il pagamento non è stato accettato. Non ti è stato addebitato nulla. Puoi riprovare.",
    insufficient_funds: "Sulla carta non c’è abbastanza denaro. Non ti è stato addebitato nulla. Puoi riprovare più tardi.",
    card_expired: "La carta è scaduta. Non ti è stato addebitato nulla. Usa un’altra carta.",
    card_blocked: "Questa carta non può essere usata. Non ti è stato addebitato nulla. Usa un’altra carta.",
    authentication_failed: "La tua banca non ha potuto verificare che sei tu. Non ti è stato addebitato nulla. Puoi riprovare.",
    expired: "Questo ordine è scaduto. Torna al negozio per ricominciare.",
    noCard: "Non c’è una carta salvata con cui pagare.",
    refused: "Questo ordine non può essere pagato con un clic. Scegli un altro modo di pagare.",
    orderPaid: "Questo ordine ha già un pagamento. Nulla è stato addebitato una seconda volta.",
    busy: "C’è molto traffico. Riprova tra un momento.",
    unreachable: "La connessione è interrotta. Riproviamo…",
    broken: "Questo pulsante di pagamento non è configurato correttamente.",
    again: "Riprova: {amount} con {card}",
  },
};

const ONE_CLICK_LOOK = `
button { font: inherit; font-weight: 600; width: 100%; min-height: 52px; padding: 12px 20px; border: 0;
  border-radius: var(--_radius); background: var(--_accent); color: var(--_accent-ink); cursor: pointer;
  display: flex; align-items: center; justify-content: center; gap: 10px; text-wrap: balance;
  transition: filter .15s, transform .05s; font-variant-numeric: tabular-nums; }
button:hover:not([disabled]) { filter: brightness(1.08); }
button:active:not([disabled]) { transform: translateY(1px); }
button:focus-visible { outline: 3px solid var(--_accent); outline-offset: 3px; }
button[disabled] { cursor: default; }
button[data-view=loading] { background: var(--_line); color: var(--_quiet); }
button.second { background: transparent; color: var(--_ink); border: 1.5px solid var(--_line); min-height: 44px;
  padding: 8px 16px; margin-top: 10px; }
p { margin: 10px 2px 0; font-size: .9375em; color: var(--_quiet); text-wrap: pretty; }
p:empty { display: none; }
p[data-tone=good] { color: var(--_ink); font-weight: 600; display: flex; gap: 10px; align-items: center; margin-top: 0; }
p[data-tone=wait] { color: var(--_ink); display: flex; gap: 10px; align-items: center; margin-top: 0; }
p[data-tone=bad] { color: var(--_danger); }
p[data-tone=good]::before { content: "✓"; flex: none; display: grid; place-items: center; width: 28px; height: 28px;
  border-radius: 50%; background: var(--_accent); color: var(--_accent-ink); }
.spinner, p[data-tone=wait]::before { content: ""; flex: none; width: 18px; height: 18px; border-radius: 50%;
  border: 2.5px solid currentColor; border-right-color: transparent; animation: turn .8s linear infinite; }
p[data-tone=wait]::before { color: var(--_accent); }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) {
  .spinner, p[data-tone=wait]::before { animation-duration: 3s; }
  button { transition: none; } }
`;

class IncassoOneClick extends IncassoElement {
  static TEXTS = ONE_CLICK_TEXTS;
  static LOOK = ONE_CLICK_LOOK;
  static observedAttributes = ["session-id", "client-secret", "publishable-key", "gateway", "lang"];

  constructor() {
    super();
    this._button = made("button", { type: "button", part: "button" });
    this._button.addEventListener("click", () => this._click());
    this._message = made("p", { part: "message", role: "status", ariaLive: "polite" });
    this._undoButton = made("button", { type: "button", className: "second", part: "undo" });
    this._undoButton.addEventListener("click", () => this._undo());
    this.shadowRoot.append(this._button, this._message, this._undoButton);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this._countdown);
  }

  /** The session as last answered by the gateway. */
  get session() {
    return this._session ?? null;
  }

  /** loading, ready, paying, requires_action, checking, pending, paid, held, declined, undone, expired, refused or broken. */
  get view() {
    return this.getAttribute("data-view") ?? "loading";
  }

  _start() {
    this._round += 1;
    this._session = null;
    this._emitted = "";
    this._show("loading");
    if (!this.getAttribute("publishable-key") || !this.getAttribute("session-id")) {
      this._show("broken");
      return;
    }
    this._load(this._round, 0);
  }

  async _load(round, tries) {
    try {
      const session = await this._ask("GET", this._path());
      if (round !== this._round) return;
      this._take(session, round, tries);
    } catch (error) {
      if (round !== this._round) return;
      if (error instanceof Refused && error.status < 500 && error.status !== 429) this._refuse(error);
      else this._again(round, tries, this._session ? "checking" : "loading", "unreachable");
    }
  }

  _again(round, tries, view, text) {
    this._show(view, { text });
    const wait = POLL_MS[Math.min(tries, POLL_MS.length - 1)];
    setTimeout(() => round === this._round && this._load(round, tries + 1), wait);
  }

  /** Shows the session's state; polls while its outcome is unknown. */
  _take(session, round, tries = 0, clicked = false) {
    this._session = session;
    const payment = session.payment;
    if (session.state === "expired") return this._show("expired");
    if (payment?.state === "requires_action" && payment.next_action?.url) return this._challenge(payment, clicked);
    if (payment?.state === "pending") return this._again(round, tries, "pending");
    if (session.state === "paying" || payment?.state === "processing") return this._again(round, tries, "checking");
    if (payment?.state === "cancelled") return this._show("undone");
    if (session.state === "paid") return this._show(this._undoSeconds() > 0 ? "held" : "paid");
    if (!session.card) return this._show("noCard");
    if (payment?.state === "declined") return this._show("declined", { text: this._declineText(payment) });
    return this._show("ready");
  }

  _declineText(payment) {
    const code = payment.decline?.code ?? "";
    return code in ONE_CLICK_TEXTS.en ? code : "declined";
  }

  _challenge(payment, clicked) {
    this._show("requires_action", { text: clicked ? "redirect" : "" });
    if (clicked && !this._cancelled) location.assign(payment.next_action.url);
  }

  async _click() {
    if (this.view === "requires_action") {
      location.assign(this._session.payment.next_action.url);
      return;
    }
    if (this.view !== "ready" && this.view !== "declined") return;
    const round = ++this._round;
    this._show("paying");
    try {
      const session = await this._ask("POST", `${this._path()}/pay`, {});
      if (round === this._round) this._take(session, round, 0, true);
    } catch (error) {
      if (round !== this._round) return;
      if (!(error instanceof Refused) || error.status >= 500 || error.code === "idempotency_key_in_use")
        this._again(round, 0, "checking"); // the card may have been charged: ask, never say no
      else if (error.status === 429) this._show("ready", { text: "busy" });
      else this._refuse(error);
    }
  }

  async _undo() {
    const round = ++this._round;
    const payment = this._session.payment;
    this._show("undoing");
    try {
      const path = `/v1/one-click-payments/${encodeURIComponent(payment.id)}/undo`;
      await this._ask("POST", path, {}, { "Idempotency-Key": `undo-${payment.id}` });
      if (round === this._round) this._load(round, 0);
    } catch (error) {
      if (round !== this._round) return;
      if (error instanceof Refused && error.status < 500) this._show("paid", { text: "undoFailed", tone: "bad" });
      else this._again(round, 0, "undoing");
    }
  }

  _refuse(error) {
    if (error.code === "session_expired") this._show("expired");
    else if (error.status === 401 || error.status === 403 || error.status === 404) this._show("broken");
    else if (error.code === "order_already_paid") this._show("refused", { text: "orderPaid" });
    else this._show(error.code === "no_instrument" ? "noCard" : "refused");
  }

  _undoSeconds() {
    const payment = this._session?.payment;
    if (payment?.state !== "authorised" || payment.capture !== "delayed" || !payment.capture_at) return 0;
    return Math.floor((Date.parse(payment.capture_at) - Date.now()) / 1000);
  }

  _show(view, { text, tone } = {}) {
    this.setAttribute("data-view", view);
    clearInterval(this._countdown);
    const payable = ["loading", "ready", "paying", "declined", "requires_action"].includes(view);
    const busy = ["loading", "paying"].includes(view);
    const label = { ready: "pay", declined: "again", requires_action: "confirm" }[view] ?? view;
    this._button.hidden = !payable;
    this._button.disabled = busy;
    this._button.dataset.view = view;
    this._button.setAttribute("aria-busy", String(busy));
    this._button.replaceChildren(...(busy ? [spinner()] : []), payable ? this._text(label) : "");
    const key = text ?? (payable ? "" : view);
    this._message.dataset.tone = tone ?? toneOf(view, key);
    this._message.textContent = key ? this._text(key) : "";
    this._undoButton.hidden = view !== "held";
    if (view === "held") this._count();
    this._emit(view);
  }

  /** Counts down the seconds left to undo. */
  _count() {
    const tick = () => {
      const left = this._undoSeconds();
      if (left <= 0) this._show("paid");
      else this._undoButton.textContent = this._text("undo", { time: clock(left) });
    };
    tick();
    if (this.view === "held") this._countdown = setInterval(tick, 1000);
  }

  _emit(view) {
    const name = {
      ready: "ready", paid: "paid", held: "paid", declined: "declined", undone: "undone", expired: "expired",
      requires_action: "requires-action", pending: "pending",
    }[view];
    if (!name || name === this._emitted) return;
    this._emitted = name;
    const event = { detail: this._session, bubbles: true, composed: true, cancelable: name === "requires-action" };
    this._cancelled = !this.dispatchEvent(new CustomEvent(`incasso-${name}`, event));
  }

  _language() {
    return this._languageOf(this.getAttribute("lang"), this._session?.locale);
  }

  _text(name, more = {}) {
    const language = this._language();
    const values = { amount: money(this._amount(), language), card: cardText(this._session?.card), ...more };
    return this._words(language)[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  }

  /** The amount charged or to be charged: less than the session's if the order was reduced. */
  _amount() {
    const { amount, payment } = this._session ?? {};
    const lowered = ["authorised", "captured"].includes(payment?.state) && payment.capturable_minor;
    return lowered ? { ...amount, amount_minor: lowered } : amount;
  }

  _path() {
    return `/v1/one-click-sessions/${encodeURIComponent(this.getAttribute("session-id"))}`;
  }

  async _ask(method, path, body, headers = {}) {
    const proof = { "Incasso-Client-Secret": this.getAttribute("client-secret") ?? "" };
    return this._call(method, path, { body, headers: { ...proof, ...headers } });
  }
}

function toneOf(view, key) {
  if (["paid", "held"].includes(view)) return "good";
  if (["checking", "pending", "undoing"].includes(view)) return "wait";
  return view === "declined" || view === "broken" || key === "busy" ? "bad" : "plain";
}

function spinner() {
  const turning = made("span", { className: "spinner" });
  turning.setAttribute("aria-hidden", "true");
  return turning;
}

function cardText(card) {
  return card ? `•••• ${card.last4}` : "";
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

define("incasso-one-click", IncassoOneClick);
