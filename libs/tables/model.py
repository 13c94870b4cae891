"""What a table holds: typed columns, and the formats it can be written in. Pure.

An amount is one value with its currency, and the same in every format: a decimal number of major
units (59.90, 500, 1.250), followed by a column with the currency. It is never a float.
"""

from collections.abc import AsyncIterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Protocol

from libs.money import exponent, is_currency

DECIMAL_PLACES: Final = 9  # of Kind.DECIMAL

Row = Sequence[Any]  # a value for each column, None for an empty cell
Batches = AsyncIterable[Sequence[Row]]


class Kind(Enum):
    """The type of a column's values."""

    TEXT = "text"  # str
    INTEGER = "integer"  # int, 64 bits
    MONEY = "money"  # Amount: libs.money.Money, or its message
    DATE = "date"  # datetime.date
    TIME = "time"  # aware datetime, written in UTC
    FLAG = "flag"  # bool
    DECIMAL = "decimal"  # decimal.Decimal: rates, percentages


@dataclass(frozen=True, slots=True)
class Column:
    """`states_currency`: a column with the currency follows (`amount`, `amount_currency`). False if
    another column of the table states it.
    """

    name: str
    kind: Kind = Kind.TEXT
    states_currency: bool = True

    @property
    def currency_name(self) -> str | None:
        stated = self.kind is Kind.MONEY and self.states_currency
        return f"{self.name}_currency" if stated else None


@dataclass(frozen=True, slots=True)
class Table:
    """`name` becomes the name of the file and of the sheet."""

    name: str
    columns: tuple[Column, ...]

    def header(self) -> Iterator[str]:
        for column in self.columns:
            yield column.name
            if column.currency_name:
                yield column.currency_name


class Format(Enum):
    """A file format; its value is the file name's extension."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self]


_MEDIA_TYPES: Final = {
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PARQUET: "application/vnd.apache.parquet",
}


class Amount(Protocol):
    """Minor units of a currency."""

    @property
    def amount_minor(self) -> int: ...

    @property
    def currency(self) -> str: ...


def places_of(currency: str) -> int:
    """Decimal places of a currency: 2 for those that the euro replaced, which occur in old statements."""
    return exponent(currency) if is_currency(currency) else 2


def major(amount: Amount) -> Decimal:
    """An amount in major units, with all decimal places of its currency."""
    return Decimal(amount.amount_minor).scaleb(-places_of(amount.currency))
