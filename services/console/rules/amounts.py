"""Amounts as people type them: `12,50`, `1.234,50`, `1,234.50`, `€ 12`. Pure."""

import re
from typing import Final

from libs.money import Money, exponent

MAX_DIGITS: Final = 12
_PLAIN = re.compile(r"\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?")


def amount_of(text: str, currency: str) -> Money | None:
    """None for text that is not a positive amount, or is ambiguous: `1.234` is refused unless the
    currency has three decimals, since it may be a typo or a thousand.
    """
    plain = text.replace("\u00a0", " ").replace("\u202f", " ").strip(" €$£")
    if not _PLAIN.fullmatch(plain):
        return None
    places = exponent(currency)
    whole, decimals = _parted(plain, places)
    if decimals is None or len(whole) > MAX_DIGITS:
        return None
    minor = int(whole + decimals.ljust(places, "0"))
    return Money(minor, currency) if minor > 0 else None


def _parted(plain: str, places: int) -> tuple[str, str | None]:
    """Digits before the decimals, and the decimals; None if there are too many."""
    last = max(plain.rfind("."), plain.rfind(","))
    grouped = last >= 0 and plain.count(plain[last]) > 1
    if last < 0 or grouped:
        return re.sub(r"\D", "", plain), ""
    decimals = plain[last + 1 :]
    return re.sub(r"\D", "", plain[:last]), decimals if len(decimals) <= places else None


def typed(amount: Money) -> str:
    """The amount as typed in a field: `12.50`."""
    places = exponent(amount.currency)
    text = str(amount.amount_minor).rjust(places + 1, "0")
    return f"{text[:-places]}.{text[-places:]}" if places else text
