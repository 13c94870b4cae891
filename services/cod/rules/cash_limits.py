"""Legal cash limits as dated data: cash_limits.toml. Pure. None of it is legal advice."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from libs import rates
from libs.money import Money
from libs.rates import NoRateError

_FILE: Final = Path(__file__).parent.parent / "cash_limits.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashLimit:
    """Cash of `forbidden_from_minor` or more is forbidden, even if split artificially."""

    country: str
    applies_from: date
    currency: str
    forbidden_from_minor: int
    article: str

    def most(self, currency: str) -> Money | None:
        """The maximum cash payment, in the currency; None if the two cannot be compared."""
        if currency == self.currency:
            return Money(self.forbidden_from_minor - 1, currency)
        try:
            about = rates.about(Money(self.forbidden_from_minor, self.currency), currency)
        except NoRateError:
            return None
        return Money(about.amount_minor - 1, currency)


def in_force(country: str, on: date) -> CashLimit | None:
    """The law of a country (ISO 3166) on a day; None if unknown."""
    found = [one for one in _LIMITS if one.country == country and one.applies_from <= on]
    return max(found, key=lambda limit: limit.applies_from, default=None)


_LIMITS: Final = tuple(CashLimit(**limit) for limit in tomllib.loads(_FILE.read_text())["limits"])
