// Shared by Incasso's elements: styles, API calls, amounts. The gateway serves this file and those beside it as one
// module, /js/v1/incasso.js: a page loads all of it or nothing, and never mixes two versions.

const SCRIPT_ORIGIN = new URL(import.meta.url).origin;
const TIMEOUT_MS = 35000;

// ISO 4217 decimal places other than two. Browsers follow cash usage instead, which would show amounts in
// forints or rupiahs a hundred times too large.
const DIGITS = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
  [4, "CLF UYW"],
];

const LOOK = `
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

/** An element with styles, texts and a gateway. Subclasses have LOOK and TEXTS, and implement _start. */
class IncassoElement extends HTMLElement {
  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(LOOK + this.constructor.LOOK);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    this._round = 0; // answers to requests of an earlier round are dropped
  }

  connectedCallback() {
    this._start();
  }

  disconnectedCallback() {
    this._round += 1;
  }

  attributeChangedCallback(_, before, after) {
    if (before === after || !this.isConnected || this._waiting) return;
    this._waiting = true; // several attributes that change together cause one start
    queueMicrotask(() => {
      this._waiting = false;
      if (this.isConnected) this._start();
    });
  }

  /** The language in `wanted`, of the page or of the browser; English if there are no texts in it. */
  _languageOf(...wanted) {
    const first = wanted.find(Boolean) || document.documentElement.lang || navigator.language;
    return this.constructor.TEXTS[baseOf(first)] ? first.replaceAll("_", "-") : "en";
  }

  _words(language) {
    return this.constructor.TEXTS[baseOf(language)];
  }

  /** Throws NoAnswer and Refused. */
  async _call(method, path, { body, headers = {}, signal } = {}) {
    const url = new URL(path, this.getAttribute("gateway") || SCRIPT_ORIGIN);
    const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
    const sent = { Authorization: `Bearer ${this.getAttribute("publishable-key")}`, ...headers };
    if (body !== undefined) sent["Content-Type"] = "application/json";
    let response;
    let answer;
    try {
      response = await fetch(url, {
        method,
        headers: sent,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.any(signals),
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

/** Makes `<tag class part>` with text and nodes inside. */
function made(tag, { part, ...properties } = {}, ...inside) {
  const node = Object.assign(document.createElement(tag), properties);
  if (part) node.part = part;
  node.append(...inside);
  return node;
}

function money(amount, language) {
  if (!amount) return "";
  const { currency } = amount;
  const digits = DIGITS.find(([, codes]) => codes.includes(currency))?.[0] ?? 2;
  const shown = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, shown).format(amount.amount_minor / 10 ** digits);
}

function define(name, element) {
  if (!customElements.get(name)) customElements.define(name, element);
}
