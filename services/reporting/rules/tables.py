"""Reports as tables: what each contains and which filters it takes. Pure.

The row's column `currency` states the currency of its amounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final

from libs.errors import invalid
from libs.money import Money
from libs.tables.model import Column, Kind, Row, Table, major

CURRENCY: Final = "currency"


class Filter(Enum):
    FROM = "booked_from"
    TO = "booked_to"
    CURRENCY = "currency"


PERIOD: Final = frozenset({Filter.FROM, Filter.TO, Filter.CURRENCY})
AS_OF: Final = frozenset({Filter.TO, Filter.CURRENCY})


@dataclass(frozen=True, slots=True)
class Asked:
    """A period of booking dates, both days included, and a currency."""

    booked_from: date | None
    booked_to: date | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """A report. `sql` returns the columns in order, with amounts in minor units; its parameters are
    the merchant, the first and last day, and the currency.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    takes: frozenset[Filter]
    sql: str

    def table(self) -> Table:
        return Table(self.name, self.columns)

    def rows(self, found: Sequence[Any]) -> Sequence[Row]:
        """Rows of the database as rows of the table."""
        places = [at for at, one in enumerate(self.columns) if one.kind is Kind.MONEY]
        if not places:
            return [tuple(row) for row in found]
        of_currency = next(at for at, one in enumerate(self.columns) if one.name == CURRENCY)
        return [_with_money(list(row), places, of_currency) for row in found]


def _with_money(row: list[Any], places: Sequence[int], of_currency: int) -> Row:
    for at in places:
        if row[at] is not None:
            row[at] = Money(row[at], row[of_currency])
    return row


def text(*names: str) -> tuple[Column, ...]:
    return tuple(map(Column, names))


def day(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.DATE) for name in names)


def whole(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.INTEGER) for name in names)


def money(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.MONEY, states_currency=False) for name in names)


def checked(report: Report, asked: Asked, today: date) -> Asked:
    """The filters with the last day filled in, by default today. Raises InvalidArgument."""
    for each in Filter:
        if getattr(asked, each.value) is not None and each not in report.takes:
            raise invalid(each.value, f"is not a filter of {report.name}")
    if Filter.FROM in report.takes and asked.booked_from is None:
        raise invalid(Filter.FROM.value, f"is required by {report.name}")
    until = asked.booked_to or (today if Filter.TO in report.takes else None)
    if asked.booked_from and until and until < asked.booked_from:
        raise invalid(Filter.TO.value, "is before the first day")
    return Asked(asked.booked_from, until, asked.currency)


@dataclass(frozen=True, slots=True)
class ShownColumn:
    name: str
    type: Kind


@dataclass(frozen=True, slots=True)
class ShownReport:
    """A report as callers see it."""

    name: str
    about: str
    columns: Sequence[ShownColumn]
    filters: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownRow:
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class FirstRows:
    columns: Sequence[ShownColumn]
    data: Sequence[ShownRow]
    has_more: bool


def shown(report: Report) -> ShownReport:
    filters = [each.value for each in Filter if each in report.takes]
    return ShownReport(report.name, report.about, shown_columns(report), filters)


def shown_columns(report: Report) -> Sequence[ShownColumn]:
    return [ShownColumn(one.name, one.kind) for one in report.columns]


def first_rows(report: Report, found: Sequence[Any], limit: int) -> FirstRows:
    """`found`: up to one row more than the limit."""
    data = [ShownRow([_as_text(value) for value in row]) for row in report.rows(found[:limit])]
    return FirstRows(shown_columns(report), data, len(found) > limit)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return f"{major(value):f}" if isinstance(value, Money) else str(value)
