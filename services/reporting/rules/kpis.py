"""Formulas of KPIs, over counted facts. Pure.

Values are integers: minor units, hundredths and basis points, rounded half up, once. A value whose
divisor is zero is None, not zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from libs.errors import invalid
from libs.money import Money
from services.reporting.rules.kpi_facts import ONE_CLICK, STEPS
from services.reporting.rules.ratios import divided, rate

DAYS_OF_YEAR: Final = 365
DEFAULT_YEARS: Final = 3
MOST_DAYS: Final = 3660


def days_between(from_day: date, to_day: date) -> int:
    """Counts both days. Raises InvalidArgument."""
    days = (to_day - from_day).days + 1
    if days < 1:
        raise invalid("to_day", "must not be before from_day")
    if days > MOST_DAYS:
        raise invalid("to_day", f"must be within {MOST_DAYS} days of from_day")
    return days


@dataclass(frozen=True, slots=True)
class ConversionStep:
    step: str
    reached: int
    reached_before: int
    rate_basis_points: int | None
    total_rate_basis_points: int | None


@dataclass(frozen=True, slots=True)
class MethodConversion:
    method: str
    steps: Sequence[ConversionStep]


def conversions(counted: Mapping[tuple[str, int], int]) -> Sequence[MethodConversion]:
    """`counted`: how many reached each step of a method, by its number from 1."""
    return [MethodConversion(method, _steps(method, counted)) for method in STEPS]


def _steps(method: str, counted: Mapping[tuple[str, int], int]) -> Sequence[ConversionStep]:
    reached = [counted.get((method, number), 0) for number in range(1, len(STEPS[method]) + 1)]
    before = [reached[0], *reached]
    return [
        ConversionStep(step, count, previous, rate(count, previous), rate(count, reached[0]))
        for step, count, previous in zip(STEPS[method], reached, before, strict=False)
    ]


@dataclass(frozen=True, slots=True)
class OrderValue:
    revenue_minor: int
    orders: int
    average_minor: int | None


def order_value(revenue_minor: int, orders: int) -> OrderValue:
    return OrderValue(revenue_minor, orders, divided(revenue_minor, orders))


def total(values: Iterable[OrderValue]) -> OrderValue:
    found = list(values)
    return order_value(
        sum(value.revenue_minor for value in found), sum(value.orders for value in found)
    )


@dataclass(frozen=True, slots=True)
class PaidOrders:
    """Orders paid by the same set of methods."""

    methods: Sequence[str]
    value: OrderValue


@dataclass(frozen=True, slots=True)
class MethodOrderValue:
    method: str
    with_it: OrderValue
    without_it: OrderValue


def order_values(found: Sequence[PaidOrders]) -> Sequence[MethodOrderValue]:
    """An order paid by two methods counts as paid by each."""
    return [
        MethodOrderValue(
            method,
            total(each.value for each in found if method in each.methods),
            total(each.value for each in found if method not in each.methods),
        )
        for method in STEPS
    ]


@dataclass(frozen=True, slots=True)
class CartRecovery:
    sent: int
    sent_minor: int
    recovered: int
    recovered_minor: int
    rate_basis_points: int | None


def cart_recovery(
    *, sent: int, sent_minor: int, recovered: int, recovered_minor: int
) -> CartRecovery:
    return CartRecovery(sent, sent_minor, recovered, recovered_minor, rate(recovered, sent))


@dataclass(frozen=True, slots=True)
class OneClickAcceptance:
    asked: int
    paid: int
    rate_basis_points: int | None


def one_click_acceptance(found: Sequence[PaidOrders], *, declined: int) -> OneClickAcceptance:
    """`declined`: orders with a declined one-click payment that were never paid. An order first
    declined and later paid by one click counts as paid.
    """
    paid = sum(each.value.orders for each in found if ONE_CLICK in each.methods)
    return OneClickAcceptance(paid + declined, paid, rate(paid, paid + declined))


@dataclass(frozen=True, slots=True)
class Kpis:
    conversion: Sequence[MethodConversion]
    order_value: OrderValue
    order_values: Sequence[MethodOrderValue]
    carts: CartRecovery
    one_click_acceptance: OneClickAcceptance


class SegmentKind(Enum):
    ALL = "all"
    LOYALTY = "loyalty"
    FIRST_METHOD = "first_method"


@dataclass(frozen=True, slots=True)
class Buyers:
    """Customers with the same first method who are all new, or all returning."""

    first_method: str
    is_new: bool
    customers: int
    orders: int
    revenue_minor: int


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    segment_kind: SegmentKind
    segment: str
    customers: int
    orders: int
    revenue_minor: int
    average_order_minor: int | None
    orders_per_year_hundredths: int | None
    value_minor: int | None


@dataclass(frozen=True, slots=True)
class LifetimeValues:
    data: Sequence[LifetimeValue]
    years: int
    days: int
    orders_without_customer: int


def lifetime_values(found: Sequence[Buyers], *, days: int, years: int) -> Sequence[LifetimeValue]:
    """All, new and returning, then by first method. Segments are disjoint within a kind."""
    segments: dict[tuple[SegmentKind, str], list[Buyers]] = {
        (SegmentKind.ALL, "all"): list(found),
        (SegmentKind.LOYALTY, "new"): [each for each in found if each.is_new],
        (SegmentKind.LOYALTY, "returning"): [each for each in found if not each.is_new],
    }
    for method in STEPS:
        of_method = [each for each in found if each.first_method == method]
        segments[SegmentKind.FIRST_METHOD, method] = of_method
    return [
        _value(kind, name, buyers, days=days, years=years)
        for (kind, name), buyers in segments.items()
        if buyers
    ]


def _value(
    kind: SegmentKind, name: str, buyers: Iterable[Buyers], *, days: int, years: int
) -> LifetimeValue:
    """Average order × orders per year is revenue per customer and year: the order counts cancel out."""
    sums = [(each.customers, each.orders, each.revenue_minor) for each in buyers]
    customers, orders, revenue = (sum(column) for column in zip(*sums, strict=True))
    customer_days = customers * days
    return LifetimeValue(
        kind,
        name,
        customers,
        orders,
        revenue,
        divided(revenue, orders),
        divided(orders * DAYS_OF_YEAR * 100, customer_days),
        divided(revenue * DAYS_OF_YEAR * years, customer_days),
    )


@dataclass(frozen=True, slots=True)
class Retention:
    customers: int
    returning_customers: int
    rate_basis_points: int | None
    spend_minor: int | None
    cost_minor: int | None


def retention(customers: int, returning_customers: int, spend_minor: int | None) -> Retention:
    kept = rate(returning_customers, customers)
    cost = None if spend_minor is None else divided(spend_minor, returning_customers)
    return Retention(customers, returning_customers, kept, spend_minor, cost)


@dataclass(frozen=True, slots=True)
class RetentionSpend:
    merchant_id: str
    year: int
    amount: Money
    updated_at: datetime


def spend_of(merchant_id: str, year: int, amount: Money, now: datetime) -> RetentionSpend:
    """Raises InvalidArgument."""
    if amount.amount_minor < 0:
        raise invalid("amount.amount_minor", "must be 0 or more")
    return RetentionSpend(merchant_id, year, amount, now)
