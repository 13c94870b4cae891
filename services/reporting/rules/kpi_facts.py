"""The facts that KPIs are computed from, as events report them. Pure.

No personal data: customers are ids, and an order loses its customer's id when the customer is erased.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

from services.reporting.rules.surveys import SurveyAnswer

ONE_CLICK: Final = "one_click"
LINK: Final = "link"
INSTALMENTS: Final = "instalments"
COD: Final = "cod"
# From creation to payment. A step also counts as reached if only a later one was reported.
STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    ONE_CLICK: ("opened", "charged"),
    LINK: ("created", "sent", "seen", "paying", "paid"),
    INSTALMENTS: ("offered", "accepted", "first_payment"),
    COD: ("proposed", "confirmed", "dispatched", "collected"),
}


@dataclass(frozen=True, slots=True)
class OrderPaid:
    """A payment for an order or a part of it. `id`: the same, whichever event reports it."""

    merchant_id: str
    order_key: str
    id: str
    method: str
    currency: str
    amount_minor: int
    paid_at: datetime
    paid_on: date
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class OrderDeclined:
    """A one-click payment for the order was declined; the order may still be paid."""

    merchant_id: str
    order_key: str
    currency: str
    declined_on: date


@dataclass(frozen=True, slots=True)
class StepReached:
    """`number`: the step's, from 1. Currency and day never change."""

    merchant_id: str
    method: str
    id: str
    currency: str
    started_on: date
    number: int


@dataclass(frozen=True, slots=True)
class CartSent:
    merchant_id: str
    id: str
    currency: str
    amount_minor: int
    sent_on: date


@dataclass(frozen=True, slots=True)
class CartPaid:
    merchant_id: str
    id: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class CustomerErased:
    merchant_id: str
    customer_id: str


KpiFact: TypeAlias = (
    OrderPaid | OrderDeclined | StepReached | CartSent | CartPaid | CustomerErased | SurveyAnswer
)


def number_of(method: str, step: str) -> int:
    return STEPS[method].index(step) + 1


def order_key(reference: str, part: str, otherwise: str, *, is_repeat: bool) -> str:
    """Deposit and balance are one order. Each use of a reusable link is an order of its own, and so
    is a payment whose reference repeats because the payment policy allows it.
    """
    if is_repeat or not reference:
        return otherwise
    return f"{reference} {part}" if part.startswith("use:") else reference


def unrepeated(paid: Iterable[OrderPaid]) -> list[OrderPaid]:
    """Each payment once, in the order of the table's key, so that all batches lock rows in the same
    order.
    """
    by_key = {(one.merchant_id, one.order_key, one.id): one for one in paid}
    return [by_key[key] for key in sorted(by_key)]


def furthest(reached: Iterable[StepReached]) -> list[StepReached]:
    """The furthest step of each funnel, in the order of the table's key."""
    by_key: dict[tuple[str, str, str], StepReached] = {}
    for one in reached:
        key = (one.merchant_id, one.method, one.id)
        if key not in by_key or by_key[key].number < one.number:
            by_key[key] = one
    return [by_key[key] for key in sorted(by_key)]
