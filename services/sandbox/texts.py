"""Texts of the sandbox's pages for shoppers, in Italian and English, with amounts in the local
form.
"""

from aiohttp import web

ENGLISH = {
    "language": "en",
    "challenge_title": "Confirm your payment",
    "setup_title": "Confirm your card",
    "challenge_lead": "Your bank asks you to confirm this purchase.",
    "setup_lead": "Your bank asks you to confirm that this card may be saved.",
    "method_lead": "Here the provider would show how you pay it back, and ask you to accept.",
    "merchant_reference": "Order",
    "card": "Card",
    "method": "Paid with",
    "account": "Shop",
    "approve": "Approve",
    "refuse": "Refuse",
    "done_title": "Already answered",
    "approved": "The payment was confirmed.",
    "setup_approved": "The card was confirmed.",
    "refused": "It was refused. Nothing was charged.",
    "cancelled": "The shop cancelled the payment. Nothing was charged.",
    "back": "Back to the shop",
    "close": "You can close this page.",
    "simulated": "Simulated bank. No real money moves here.",
    "unknown_title": "This page is not known",
    "unknown_lead": "The link may be incomplete. Go back to the shop and start the payment again.",
    "field_title": "Card details",
    "number": "Card number",
    "expiry": "Expiry (MM/YY)",
    "cvc": "Security code",
    "save": "Save card",
    "hint": "Test cards only, for example 4242 4242 4242 4242.",
    "saved": "Card accepted:",
    "bad_number": "Check the card number: a digit is missing or wrong.",
    "not_a_test_card": "Only test cards work here. Try 4242 4242 4242 4242.",
    "bad_expiry": "Write the month and year printed on a card that has not expired, as MM/YY.",
    "bad_cvc": "The security code has three or four digits.",
    "unreachable": "The payment provider cannot be reached. Try again in a moment.",
}
ITALIAN = {
    "language": "it",
    "challenge_title": "Conferma il pagamento",
    "setup_title": "Conferma la carta",
    "challenge_lead": "La tua banca ti chiede di confermare questo acquisto.",
    "setup_lead": "La tua banca ti chiede di confermare che la carta può essere salvata.",
    "method_lead": "Qui il fornitore mostrerebbe come restituisci la somma e ti chiederebbe di accettare.",
    "merchant_reference": "Ordine",
    "card": "Carta",
    "method": "Pagato con",
    "account": "Negozio",
    "approve": "Approva",
    "refuse": "Rifiuta",
    "done_title": "Hai già risposto",
    "approved": "Il pagamento è stato confermato.",
    "setup_approved": "La carta è stata confermata.",
    "refused": "È stato rifiutato. Non è stato addebitato nulla.",
    "cancelled": "Il negozio ha annullato il pagamento. Non è stato addebitato nulla.",
    "back": "Torna al negozio",
    "close": "Puoi chiudere questa pagina.",
    "simulated": "Banca simulata. Qui non si muove denaro vero.",
    "unknown_title": "Pagina sconosciuta",
    "unknown_lead": "Il link può essere incompleto. Torna al negozio e ricomincia il pagamento.",
    "field_title": "Dati della carta",
    "number": "Numero della carta",
    "expiry": "Scadenza (MM/AA)",
    "cvc": "Codice di sicurezza",
    "save": "Salva la carta",
    "hint": "Solo carte di prova, per esempio 4242 4242 4242 4242.",
    "saved": "Carta accettata:",
    "bad_number": "Controlla il numero della carta: manca una cifra o è sbagliata.",
    "not_a_test_card": "Qui funzionano solo carte di prova. Prova 4242 4242 4242 4242.",
    "bad_expiry": "Scrivi mese e anno di una carta non scaduta, come MM/AA.",
    "bad_cvc": "Il codice di sicurezza ha tre o quattro cifre.",
    "unreachable": "Il fornitore di pagamento non risponde. Riprova tra poco.",
}

# ISO 4217 exponents other than 2, for currencies that a demo may use.
EXPONENTS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "JOD": 3, "TND": 3}
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def for_reader(request: web.Request) -> dict[str, str]:
    """Italian if the browser prefers it to English; `?locale=it` overrides both."""
    wished = request.query.get("locale", "") or request.headers.get("Accept-Language", "")
    for part in wished.lower().replace(";", ",").split(","):
        tag = part.strip()
        if tag.startswith("it"):
            return ITALIAN
        if tag.startswith("en"):
            return ENGLISH
    return ENGLISH


def written_amount(amount_minor: int, currency: str, language: str) -> str:
    exponent = EXPONENTS.get(currency, 2)
    whole, part = divmod(abs(amount_minor), 10**exponent)
    thousands, point = (".", ",") if language == "it" else (",", ".")
    digits = f"{whole:,}".replace(",", thousands)
    if exponent:
        digits += f"{point}{part:0{exponent}d}"
    sign = "\u2212" if amount_minor < 0 else ""
    symbol = SYMBOLS.get(currency)
    if language == "it" or symbol is None:
        return f"{sign}{digits}\u00a0{symbol or currency}"
    return f"{sign}{symbol}{digits}"
