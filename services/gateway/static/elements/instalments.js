// <incasso-instalments>: shows beside a price in which instalments it can be paid, when, and at what cost.
//
//   <script type="module" src="https://pay.shop.example/js/v1/incasso.js"></script>
//   <incasso-instalments publishable-key="pk_…" amount-minor="16000" currency="EUR"></incasso-instalments>
//
// Attributes: publishable-key, amount-minor, currency, country (of delivery), categories (of the items,
// "shoes, bags"), gateway, lang (the page's when absent), show-threshold (shows the minimum price while the
// price is too low). Custom properties: those of <incasso-one-click>, --incasso-warn and --incasso-warn-ground.
// Parts: panel, label, warning, example, plans, plan.
// Events (they bubble): incasso-instalments-ready (detail: offers, lead), incasso-instalments-none (detail:
// offers with their reasons), incasso-instalments-failed (detail: code).
//
// Where a plan is credit by law, its warning and its example appear wherever its price does, never collapsed.
// Plans that are unavailable or unknown are not shown: the shop's page stays as it is.

const INSTALMENTS_TEXTS = {
  en: {
    group: "Pay in instalments",
    or: "or {label}",
    free: "without interest or fees",
    one: "Dates and costs",
    several: "Dates and costs of {count} plans",
    from: "Pay in instalments from {amount}",
    schedule: "What is paid when: {label}",
    due: "Due",
    costs: "incl. costs",
    amount: "To pay",
    first: "with the order",
    total: "Total",
    cost: "Cost to you",
    rate: "Interest per year",
    taeg: "APR (TAEG)",
    dates: "The dates hold if you order today.",
  },
  it: {
    group: "Paga a rate",
    or: "oppure {label}",
    free: "senza interessi e spese",
    one: "Date e costi",
    several: "Date e costi di {count} piani",
    from: "Pagamento a rate da {amount}",
    schedule: "Che cosa si paga e quando: {label}",
    due: "Scadenza",
    costs: "di cui costi",
    amount: "Da pagare",
    first: "con l’ordine",
    total: "Totale",
    cost: "Costo per te",
    rate: "Interesse annuo",
    taeg: "TAEG",
    dates: "Le date valgono se ordini oggi.",
  },
};

const LONG_SCHEDULE = 12; // payments: a longer schedule scrolls on its own

const INSTALMENTS_LOOK = `
:host { --_warn: var(--incasso-warn, light-dark(#6b4500, #ffcf75));
  --_warn-ground: var(--incasso-warn-ground, light-dark(#fdf3df, #33290f)); }
:host([data-view=loading]), :host([data-view=none]), :host([data-view=failed]) { display: none; }
:host([data-view=changing]) .panel { visibility: hidden; }
p, ul, dl, dd, table { margin: 0; padding: 0; }
.panel { border: 1px solid var(--_line); border-radius: var(--_radius); overflow-wrap: break-word;
  font-variant-numeric: tabular-nums; text-align: start; }
.label { padding: 14px 16px 12px; display: flex; flex-wrap: wrap; gap: 2px 8px; align-items: baseline; }
.label strong { font-size: 1.0625em; font-weight: 650; }
.quiet { color: var(--_quiet); font-size: .875em; }
.warning { margin: 0 16px 10px; padding: 8px 12px; border-radius: calc(var(--_radius) * .66); font-weight: 650;
  font-size: .9375em; background: var(--_warn-ground); color: var(--_warn); border-inline-start: 3px solid currentColor; }
.example { padding: 0 16px 14px; font-size: .875em; text-wrap: pretty; }
details { border-top: 1px solid var(--_line); }
summary { padding: 12px 16px; min-height: 44px; cursor: pointer; list-style: none; display: flex; gap: 10px;
  align-items: center; justify-content: space-between; font-size: .9375em; color: var(--_accent); font-weight: 600;
  border-radius: 0 0 var(--_radius) var(--_radius); }
summary::-webkit-details-marker { display: none; }
summary::after { content: ""; flex: none; width: 7px; height: 7px; margin: -4px 3px 0; border: solid currentColor;
  border-width: 0 2px 2px 0; transform: rotate(45deg); transition: transform .15s; }
details[open] > summary::after { transform: rotate(225deg); margin-top: 4px; }
summary .quiet { color: inherit; font-size: inherit; }
summary:hover { text-decoration: underline; text-underline-offset: 3px; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: -3px; }
ul { list-style: none; }
.plan { padding: 14px 16px 16px; }
.plan + .plan { border-top: 1px solid var(--_line); }
.plan .label { padding: 0 0 10px; }
.plan .warning { margin-inline: 0; }
.plan .example { padding-inline: 0; }
.long { max-height: 22em; padding-bottom: 1.5em; overflow-y: auto;
  mask-image: linear-gradient(#000 calc(100% - 2.5em), transparent); }
table { width: 100%; border-collapse: collapse; font-size: .9375em; }
th { font-weight: inherit; text-align: start; }
thead th { color: var(--_quiet); font-size: .875em; vertical-align: bottom; padding-bottom: 6px; }
th, td { padding: 5px 0; vertical-align: baseline; }
td, thead th:not(:first-child) { text-align: end; padding-inline-start: 12px; white-space: nowrap; }
thead th:not(:first-child) { white-space: normal; text-wrap: balance; }
tbody th { position: relative; padding-inline-start: 22px; }
tbody th::before { content: ""; position: absolute; inset-inline-start: 2px; top: .72em; width: 9px; height: 9px;
  border-radius: 50%; border: 2px solid var(--_accent); z-index: 1; }
tbody tr:first-child th::before { background: var(--_accent); }
tbody tr:not(:last-child) th::after { content: ""; position: absolute; inset-inline-start: 6px; top: calc(.72em + 9px);
  height: calc(100% - 9px); width: 1px; background: var(--_line); }
tbody time { padding-inline-end: 6px; }
tbody .quiet { display: inline-block; }
dl { display: flex; flex-wrap: wrap; gap: 8px 16px; margin-top: 10px; padding-top: 10px;
  border-top: 1px solid var(--_line); }
dt { color: var(--_quiet); font-size: .8125em; }
dd { font-weight: 600; font-size: .9375em; }
.law { margin-top: 10px; color: var(--_quiet); font-size: .8125em; text-wrap: pretty; }
.dates { margin-top: 4px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (min-width: 360px) { tbody time { white-space: nowrap; } }
@media (prefers-reduced-motion: reduce) { summary::after { transition: none; } }
`;

class IncassoInstalments extends IncassoElement {
  static TEXTS = INSTALMENTS_TEXTS;
  static LOOK = INSTALMENTS_LOOK;
  static observedAttributes = [
    "publishable-key", "amount-minor", "currency", "country", "categories", "gateway", "lang", "show-threshold",
  ];

  constructor() {
    super();
    // Only their content is replaced, so that an open disclosure stays open.
    this._lead = made("div");
    this._summary = made("summary");
    this._list = made("ul", { role: "list" });
    this._details = made("details", { part: "plans" }, this._summary, this._list);
    this._panel = made("div", { part: "panel", className: "panel", role: "group" }, this._lead, this._details);
    this.shadowRoot.append(this._panel);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this._asking?.abort();
  }

  /** All offers for the price shown, including unavailable ones. */
  get offers() {
    return this._offers ?? [];
  }

  /** loading, changing, ready, threshold, none or failed. */
  get view() {
    return this.getAttribute("data-view") ?? "loading";
  }

  async _start() {
    const round = ++this._round;
    this._asking?.abort();
    this._asking = new AbortController();
    this._offers = [];
    if (!this.getAttribute("publishable-key") || !(Number(this.getAttribute("amount-minor")) > 0)) {
      this._see("none");
      return;
    }
    // Keeps its place, but hides figures that may belong to another price.
    this._see(["ready", "threshold", "changing"].includes(this.view) ? "changing" : "loading");
    try {
      const answer = await this._call("GET", this._path(), { signal: this._asking.signal });
      if (round === this._round) this._take(answer.data);
    } catch (error) {
      if (round !== this._round) return;
      this._see("failed");
      this._emit("failed", { code: error instanceof Refused ? error.code : "no_answer" });
    }
  }

  _path() {
    const asked = new URLSearchParams({ locale: baseOf(this._language()) });
    for (const name of ["amount-minor", "currency", "country"]) {
      const value = this.getAttribute(name)?.trim();
      if (value) asked.set(name.replace("-", "_"), value);
    }
    for (const category of (this.getAttribute("categories") ?? "").split(",")) {
      if (category.trim()) asked.append("categories", category.trim());
    }
    return `/v1/instalment-offers?${asked}`;
  }

  _take(offers) {
    const plans = offers.filter((offer) => offer.available);
    const threshold = this.hasAttribute("show-threshold") && leastOf(offers);
    this._offers = offers;
    if (plans.length) this._drawPlans(plans);
    else if (threshold) this._drawThreshold(threshold);
    this._see(plans.length ? "ready" : threshold ? "threshold" : "none");
    if (plans.length) this._emit("ready", { offers, lead: cheapestOf(plans) });
    else this._emit("none", { offers });
  }

  _see(view) {
    this.setAttribute("data-view", view);
  }

  _emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`incasso-instalments-${name}`, { detail, bubbles: true, composed: true }));
  }

  _drawThreshold(amount) {
    this._describe();
    const text = this._span("from", { amount: this._money(amount) });
    this._lead.replaceChildren(made("p", { part: "label", className: "label", dir: "auto" }, text));
    this._details.hidden = true;
  }

  _drawPlans(plans) {
    const several = plans.length > 1;
    const lead = cheapestOf(plans);
    this._describe();
    this._lead.replaceChildren(this._label(lead, this._phrase("or", { label: lead.label })), ...this._mandatory(lead));
    this._summary.replaceChildren(this._span(several ? "several" : "one", { count: String(plans.length) }));
    this._list.replaceChildren(...plans.map((plan) => this._plan(plan, several)));
    this._details.hidden = false;
  }

  _describe() {
    const language = this._language();
    this._panel.lang = baseOf(language);
    this._panel.ariaLabel = this._words(language).group;
  }

  _label(plan, name, more = "") {
    const free = plan.legal_class === "deferral" && plan.cost_minor === 0;
    return made("p", { part: "label", className: "label", dir: "auto" },
      made("strong", {}, ...name), " ",
      ...(more ? [made("span", { className: "quiet" }, more), " "] : []),
      ...(free ? [this._span("free")] : []));
  }

  /** What the law requires beside the price of credit. */
  _mandatory({ warning, representative_example: example }) {
    return [
      ...(warning ? [made("p", { part: "warning", className: "warning", dir: "auto" }, warning)] : []),
      ...(example ? [made("p", { part: "example", className: "example", dir: "auto" }, example)] : []),
    ];
  }

  /** One plan of `several`; the warning and example of an only plan are just above instead. */
  _plan(plan, several) {
    const long = plan.schedule.length > LONG_SCHEDULE;
    const scrolling = long ? { className: "long", tabIndex: 0, role: "group", ariaLabel: plan.name } : {};
    return made("li", { part: "plan", className: "plan" },
      ...(several ? [this._label(plan, [isolated(plan.label)], plan.name), ...this._mandatory(plan)] : []),
      made("div", scrolling, this._schedule(plan)),
      this._figures(plan),
      made("p", { className: "law", dir: "auto" }, plan.legal_sentence),
      made("p", { className: "law dates", dir: "auto" }, ...this._phrase("dates")));
  }

  _schedule(plan) {
    const charged = plan.cost_minor !== 0;
    const heading = (name) => made("th", { scope: "col" }, ...this._phrase(name));
    const columns = charged ? ["due", "costs", "amount"] : ["due", "amount"];
    return made("table", {},
      made("caption", { className: "unseen" }, ...this._phrase("schedule", { label: plan.label })),
      made("thead", { className: charged ? "" : "unseen" }, made("tr", {}, ...columns.map(heading))),
      made("tbody", {}, ...plan.schedule.map((part) => this._part(part, plan.total.currency, charged))));
  }

  _part(part, currency, charged) {
    const first = part.number === 1 ? [this._span("first")] : [];
    const amounts = [part.interest_minor + part.fee_minor, part.amount_minor].slice(charged ? 0 : 1);
    return made("tr", {},
      made("th", { scope: "row" }, made("time", { dateTime: part.due_on }, isolated(this._day(part.due_on))), " ", ...first),
      ...amounts.map((minor) => this._cell(minor, currency)));
  }

  _cell(minor, currency) {
    return made("td", {}, isolated(this._money({ amount_minor: minor, currency })));
  }

  _figures(plan) {
    const percent = new Intl.NumberFormat(this._language(), { style: "percent", minimumFractionDigits: 2 });
    const figures = {
      total: this._money(plan.total),
      cost: this._money({ amount_minor: plan.cost_minor, currency: plan.total.currency }),
      ...(plan.interest_basis_points ? { rate: percent.format(plan.interest_basis_points / 10000) } : {}),
      ...(plan.taeg ? { taeg: percent.format(plan.taeg / 100) } : {}),
    };
    return made("dl", {}, ...Object.entries(figures).map(([name, value]) =>
      made("div", {}, made("dt", {}, ...this._phrase(name)), made("dd", {}, isolated(value)))));
  }

  _day(day) {
    const shown = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
    return new Intl.DateTimeFormat(this._language(), shown).format(new Date(`${day}T00:00:00Z`));
  }

  _money(amount) {
    return money(amount, this._language());
  }

  _language() {
    return this._languageOf(this.getAttribute("lang"));
  }

  /** Text and nodes; values that are filled in keep their own text direction. */
  _phrase(name, values = {}) {
    const pieces = this._words(this._language())[name].split(/\{(\w+)\}/);
    return pieces.map((piece, at) => (at % 2 ? isolated(values[piece]) : piece)).filter(Boolean);
  }

  _span(name, values) {
    return made("span", { className: "quiet" }, ...this._phrase(name, values));
  }
}

function isolated(text) {
  return made("bdi", {}, text);
}

/** The first of the cheapest plans. */
function cheapestOf(plans) {
  return plans.reduce((least, plan) => (plan.cost_minor < least.cost_minor ? plan : least));
}

/** The lowest price for which there would be a plan. */
function leastOf(offers) {
  const amounts = offers.filter((offer) => offer.reason === "minimum_amount").map((offer) => offer.threshold);
  return amounts.sort((one, other) => one.amount_minor - other.amount_minor)[0];
}

define("incasso-instalments", IncassoInstalments);
