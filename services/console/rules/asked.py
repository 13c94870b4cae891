"""What a few words typed into the search bar could be: an amount, the last digits of a card. Pure."""

import re
from typing import Final

from libs.money import Money, exponent, is_currency
from services.console.rules.amounts import amount_of

_DIGITS: Final = re.compile(r"(?:[A-Za-z ]*[•*·.xX]+[•*·.xX ]*)?(\d{4})")
_CODE: Final = re.compile(r"([A-Za-z]{3})\s+(.+)|(.+?)\s*([A-Za-z]{3})")


def last4_of(text: str) -> str:
    """`4242` of `4242`, `•••• 4242` and `Visa **** 4242`; "" of what is longer, or something else."""
    found = _DIGITS.fullmatch(text.strip())
    return found[1] if found else ""


def amount_in(text: str, currency: str) -> Money | None:
    """Of a text that shows by itself that it is one: by its decimals, or a currency's sign or code.
    Other digits could be an order's.
    """
    plain, named = _without_code(text.strip())
    amount = amount_of(plain, named or currency)
    if amount is None:
        return None
    places = exponent(amount.currency)
    decimals = places and re.search(rf"[.,]\d{{{places}}}$", plain.strip(" €$£"))
    return amount if decimals or named or re.search("[€$£]", plain) else None


def amount_in_field(text: str, currency: str) -> Money | None:
    """Of a field for nothing else: with a currency's code, or in `currency`."""
    plain, named = _without_code(text.strip())
    return amount_of(plain, named or currency)


def _without_code(text: str) -> tuple[str, str]:
    """The text beside a currency's code, and the code."""
    found = _CODE.fullmatch(text)
    if not found:
        return text, ""
    code, rest = (found[1] or found[4]).upper(), found[2] or found[3]
    return (rest, code) if is_currency(code) else (text, "")
