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
// No answer is not "no": whatever is not a clear refusal is shown as "we are checking", and the
// session is asked until it says how it stands.

const SCRIPT_ORIGIN = new URL(import.meta.url).origin;
const POLL_MS = [1000, 1500, 2000, 3000, 5000, 8000, 10000];
const TIMEOUT_MS = 35000;

// Decimal places by ISO 4217 where there are not two. Browsers follow customs of cash instead, by which
// an amount of forints or rupiahs would be a hundred times what it is.
const DIGITS = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
  [4, "CLF UYW"],
];

const TEXTS = {
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

const STYLE = `
:host { display: block; color-scheme: light dark;
  --_accent: var(--incasso-accent, light-dark(#0b6b57, #4cc7a8));
  --_accent-ink: var(--incasso-accent-ink, light-dark(#ffffff, #06231c));
  --_ink: var(--incasso-ink, light-dark(#16202c, #e9eef4));
  --_quiet: var(--incasso-quiet, light-dark(#566272, #9fadbd));
  --_line: var(--incasso-line, light-dark(#d9dde3, #313c49));
  --_danger: var(--incasso-danger, light-dark(#b3261e, #ff8a80));
  --_radius: var(--incasso-radius, 12px);
  font: 16px/1.4 var(--incasso-font, system-ui, sans-serif); color: var(--_ink); }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
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
[hidden] { display: none !important; }
`;

class NoAnswer extends Error {}

class Refused extends Error {
  constructor(status, problem) {
    super(problem.code || String(status));
    this.status = status;
    this.code = problem.code || "";
  }
}

class IncassoOneClick extends HTMLElement {
  static observedAttributes = ["session-id", "client-secret", "publishable-key", "gateway", "lang"];

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this._button = document.createElement("button");
    this._button.type = "button";
    this._button.part = "button";
    this._button.addEventListener("click", () => this._click());
    this._message = document.createElement("p");
    this._message.part = "message";
    this._message.setAttribute("role", "status");
    this._message.setAttribute("aria-live", "polite");
    this._undoButton = document.createElement("button");
    this._undoButton.type = "button";
    this._undoButton.className = "second";
    this._undoButton.part = "undo";
    this._undoButton.addEventListener("click", () => this._undo());
    root.append(this._button, this._message, this._undoButton);
    this._round = 0; // answers to an earlier session are dropped
  }

  connectedCallback() {
    this._start();
  }

  disconnectedCallback() {
    this._round += 1;
    clearInterval(this._countdown);
  }

  attributeChangedCallback(_, before, after) {
    if (before !== after && this.isConnected) {
      if (this._waiting) return;
      this._waiting = true; // several attributes that change together make one start
      queueMicrotask(() => {
        this._waiting = false;
        if (this.isConnected) this._start();
      });
    }
  }

  /** The session as the gateway told it last. */
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
    this._told = "";
    this._show("loading");
    if (!this.getAttribute("publishable-key") || !this.getAttribute("session-id")) {
      this._show("broken");
      return;
    }
    this._load(this._round, 0);
  }

  async _load(round, tries) {
    try {
      const session = await this._call("GET", this._path());
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

  /** Show what a session says; ask again while its outcome is not known. */
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
    return code in TEXTS.en ? code : "declined";
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
      const session = await this._call("POST", `${this._path()}/pay`, {});
      if (round === this._round) this._take(session, round, 0, true);
    } catch (error) {
      if (round !== this._round) return;
      if (!(error instanceof Refused) || error.status >= 500 || error.code === "idempotency_key_in_use")
        this._again(round, 0, "checking"); // it may have been charged: ask, never say no
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
      await this._call("POST", path, {}, `undo-${payment.id}`);
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
    const said = text ?? (payable ? "" : view);
    this._message.dataset.tone = tone ?? toneOf(view, said);
    this._message.textContent = said ? this._text(said) : "";
    this._undoButton.hidden = view !== "held";
    if (view === "held") this._count();
    this._tell(view);
  }

  /** Seconds to undo, until there are none. */
  _count() {
    const tick = () => {
      const left = this._undoSeconds();
      if (left <= 0) this._show("paid");
      else this._undoButton.textContent = this._text("undo", { time: clock(left) });
    };
    tick();
    if (this.view === "held") this._countdown = setInterval(tick, 1000);
  }

  _tell(view) {
    const name = {
      ready: "ready", paid: "paid", held: "paid", declined: "declined", undone: "undone", expired: "expired",
      requires_action: "requires-action", pending: "pending",
    }[view];
    if (!name || name === this._told) return;
    this._told = name;
    const event = { detail: this._session, bubbles: true, composed: true, cancelable: name === "requires-action" };
    this._cancelled = !this.dispatchEvent(new CustomEvent(`incasso-${name}`, event));
  }

  _language() {
    const wanted = this.getAttribute("lang") || this._session?.locale || document.documentElement.lang || navigator.language;
    return TEXTS[baseOf(wanted)] ? wanted.replaceAll("_", "-") : "en";
  }

  _text(name, more = {}) {
    const language = this._language();
    const texts = TEXTS[baseOf(language)];
    const values = { amount: money(this._amount(), language), card: cardText(this._session?.card), ...more };
    return texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  }

  /** What will be, or was, taken: less than the session's amount when the order was lowered. */
  _amount() {
    const { amount, payment } = this._session ?? {};
    const lowered = ["authorised", "captured"].includes(payment?.state) && payment.capturable_minor;
    return lowered ? { ...amount, amount_minor: lowered } : amount;
  }

  _path() {
    return `/v1/one-click-sessions/${encodeURIComponent(this.getAttribute("session-id"))}`;
  }

  async _call(method, path, body, idempotencyKey) {
    const url = new URL(path, this.getAttribute("gateway") || SCRIPT_ORIGIN);
    const headers = {
      Authorization: `Bearer ${this.getAttribute("publishable-key")}`,
      "Incasso-Client-Secret": this.getAttribute("client-secret") ?? "",
    };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    let response;
    let answer;
    try {
      response = await fetch(url, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        credentials: "omit",
        cache: "no-store",
      });
      answer = await response.json();
    } catch (error) {
      throw new NoAnswer(String(error));
    }
    if (!response.ok) throw new Refused(response.status, answer);
    return answer;
  }
}

function baseOf(language) {
  return language.split(/[-_]/)[0].toLowerCase();
}

function toneOf(view, said) {
  if (["paid", "held"].includes(view)) return "good";
  if (["checking", "pending", "undoing"].includes(view)) return "wait";
  return view === "declined" || view === "broken" || said === "busy" ? "bad" : "plain";
}

function spinner() {
  const made = document.createElement("span");
  made.className = "spinner";
  made.setAttribute("aria-hidden", "true");
  return made;
}

function money(amount, language) {
  if (!amount) return "";
  const { currency } = amount;
  const digits = DIGITS.find(([, codes]) => codes.includes(currency))?.[0] ?? 2;
  const shown = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, shown).format(amount.amount_minor / 10 ** digits);
}

function cardText(card) {
  return card ? `•••• ${card.last4}` : "";
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

if (!customElements.get("incasso-one-click")) customElements.define("incasso-one-click", IncassoOneClick);
