"""A report's rows for reading: amounts and days in the reader's language. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from libs import display
from libs.money import Money, exponent


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: text, integer, money or date."""

    name: str
    kind: str

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "money")


def cells(columns: Sequence[Column], values: Sequence[str], language: str) -> list[str]:
    """Amounts are in major units of the row's currency; an unknown value is a dash."""
    named = {column.name: value for column, value in zip(columns, values, strict=True)}
    currency = named.get("currency", "")
    return [
        _cell(column.kind, value, currency, language) or "–"
        for column, value in zip(columns, values, strict=True)
    ]


def _cell(kind: str, value: str, currency: str, language: str) -> str:
    if value and kind == "money" and currency:
        minor = int(Decimal(value).scaleb(exponent(currency)))
        return display.amount(Money(minor, currency), language)
    return (
        display.short_day(date.fromisoformat(value), language)
        if value and kind == "date"
        else value
    )
