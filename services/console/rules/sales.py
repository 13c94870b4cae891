"""Sales per day and method, from the rows of the report `daily_sales`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from libs.money import exponent


@dataclass(frozen=True, slots=True)
class Sales:
    """A row: a day's sales by one method."""

    day: date
    method: str
    gross_minor: int
    refunds_minor: int


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    gross_minor: int
    refunds_minor: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.refunds_minor


@dataclass(frozen=True, slots=True)
class Method:
    """`method` is empty for payments outside any method. `basis_points`: share of the total."""

    method: str
    gross_minor: int
    basis_points: int


def read(row: Mapping[str, str]) -> Sales:
    """Amounts in reports are texts in major units."""
    currency = row["currency"]
    return Sales(
        day=date.fromisoformat(row["day"]),
        method=row["method"],
        gross_minor=minor_of(row["gross"], currency),
        refunds_minor=abs(minor_of(row["refunds"], currency)),
    )


def daily(sales: Sequence[Sales], today: date, days: int) -> list[Day]:
    """Every one of the last `days`, including those without sales, oldest first."""
    found = []
    for ago in range(days - 1, -1, -1):
        on = today - timedelta(days=ago)
        rows = [row for row in sales if row.day == on]
        found.append(
            Day(on, sum(row.gross_minor for row in rows), sum(row.refunds_minor for row in rows))
        )
    return found


def by_method(sales: Sequence[Sales]) -> list[Method]:
    """Sales by method, largest first."""
    total = sum(row.gross_minor for row in sales)
    sums: dict[str, int] = {}
    for row in sales:
        sums[row.method] = sums.get(row.method, 0) + row.gross_minor
    ranked = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        Method(method, gross, gross * 10_000 // total if total else 0) for method, gross in ranked
    ]


def minor_of(text: str, currency: str) -> int:
    """Minor units of an amount in a report, which is in major units."""
    return int(Decimal(text or "0").scaleb(exponent(currency)))
