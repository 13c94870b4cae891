"""What words typed into the search bar could be: an amount, the last digits of a card. Pure."""

import re
from typing import Final

from libs.money import Money, exponent, is_currency
from services.console.rules.amounts import amount_of

_LAST4: Final = re.compile(r"[0-9]{4}")
_HIDDEN: Final = "•*·.xX"  # stand for the digits before the last four


def last4_of(text: str) -> str:
    """`4242` for `4242`, `•••• 4242` and `Visa **** 4242`; "" for longer numbers and other text."""
    plain = text.strip()
    before, last = plain[:-4], plain[-4:]
    brand = before.rstrip(_HIDDEN + " ")
    hidden = set(before[len(brand) :]) & set(_HIDDEN)
    named = all(char == " " or (char.isascii() and char.isalpha()) for char in brand)
    return last if _LAST4.fullmatch(last) and (not before or (hidden and named)) else ""


def amount_in(text: str, currency: str) -> Money | None:
    """The amount in a text that is clearly one: by its decimals, or by a currency's sign or code.
    Other digits could be an order reference.
    """
    plain, named = _without_code(text.strip())
    amount = amount_of(plain, named or currency)
    if amount is None:
        return None
    places = exponent(amount.currency)
    decimals = places and re.search(rf"[.,]\d{{{places}}}$", plain.strip(" €$£"))
    return amount if decimals or named or re.search("[€$£]", plain) else None


def amount_in_field(text: str, currency: str) -> Money | None:
    """The amount in a field for amounts: with a currency's code, or in `currency`."""
    plain, named = _without_code(text.strip())
    return amount_of(plain, named or currency)


def _without_code(text: str) -> tuple[str, str]:
    """The text without a currency's code, and the code; "" if it has none."""
    rest, code = text[3:], text[:3]
    if not rest[:1].isspace():
        rest, code = text[:-3], text[-3:]
    known = rest.strip() and is_currency(code.upper())
    return (rest.strip(), code.upper()) if known else (text, "")
