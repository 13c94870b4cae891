"""Approximate amounts in another currency: for risk limits only, never for money.

`rates.csv` has rounded units per euro: `ecb` are the European Central Bank's reference rates of
AS_OF, `estimate` are pegs and approximate values of other currencies on that day. Currencies
without a row can only be compared with themselves.
"""

import csv
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Final

from libs.money import Money, exponent

AS_OF: Final = date(2026, 10, 30)
FILE: Final = Path(__file__).with_name("rates.csv")


def _read(file: Path) -> Mapping[str, Fraction]:
    with file.open(newline="") as lines:
        return {row["currency"]: Fraction(row["per_euro"]) for row in csv.DictReader(lines)}


_PER_EURO: Final = _read(FILE)


class NoRateError(ValueError):
    """A currency cannot be compared with others; `currency` names it."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        super().__init__(f"{currency} has no reference rate")


def is_known(currency: str) -> bool:
    return currency in _PER_EURO


def about(amount: Money, currency: str) -> Money:
    """`amount` in `currency`, rounded up to a minor unit; the same amount if it already is in
    `currency`.

    Raises NoRateError.
    """
    if amount.currency == currency:
        return amount
    major = Fraction(amount.amount_minor, 10 ** exponent(amount.currency))
    there = major / _per_euro(amount.currency) * _per_euro(currency)
    return Money(ceil(there * 10 ** exponent(currency)), currency)


def _per_euro(currency: str) -> Fraction:
    if currency not in _PER_EURO:
        raise NoRateError(currency)
    return _PER_EURO[currency]
