"""Numbers as people type them into fields: percentages, and amounts that may be zero. Pure."""

import re
from typing import Final

from libs.money import Money
from services.console.rules.amounts import amount_of

_PERCENT: Final = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?")
_NOTHING: Final = re.compile(r"0*(?:[.,]0*)?")


def basis_points_of(text: str) -> int | None:
    """999 for `9,99`, 0 for empty text; None for text that is no percentage, or too precise."""
    plain = text.replace("%", "").strip()
    if not plain:
        return 0
    found = _PERCENT.fullmatch(plain)
    return int(found[1] + (found[2] or "").ljust(2, "0")) if found else None


def percent_of(basis_points: int) -> str:
    """`9.99` for 999, as typed in a field."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}" if rest else str(whole)


def minor_of(text: str, currency: str) -> int | None:
    """0 for empty text and for `0`; None for text that is no amount."""
    if _NOTHING.fullmatch(text.strip()):
        return 0
    amount: Money | None = amount_of(text, currency)
    return amount.amount_minor if amount is not None else None
