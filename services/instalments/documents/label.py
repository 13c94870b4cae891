"""A plan's short name: `3 × €53.34`. Pure."""

from collections.abc import Sequence
from typing import Final

from libs import display
from libs.money import Money
from services.instalments.rules.schedule import Part

TIMES: Final = "×"


def label_of(parts: Sequence[Part], currency: str, locale: str) -> str:
    """Names the largest of equal parts, so that no part costs more than the label says.

    A first part that differs by more than the rounding unit is named separately.
    """
    totals = [part.total_minor for part in parts]
    first, rest = totals[0], totals[1:]
    if not rest or abs(first - max(rest)) <= 1:
        return f"{len(totals)} {TIMES} {_amount(max(totals), currency, locale)}"
    later = f"{len(rest)} {TIMES} {_amount(max(rest), currency, locale)}"
    return f"{_amount(first, currency, locale)} + {later}"


def _amount(minor: int, currency: str, locale: str) -> str:
    return display.amount(Money(minor, currency), locale)
