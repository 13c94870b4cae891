"""The part of an order that is paid online before dispatch: requested, paid, and refunded. Pure.

A paid deposit counts for its order, whatever its price becomes: the courier collects the rest. Only
if nothing would be left to collect, it is recomputed by the current rule and the surplus refunded;
it is refunded in full if the order is cancelled or returned.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final

from services.cod.errors import DepositNotDue
from services.cod.rules.order_links import Asked, OrderLink, Purpose
from services.cod.rules.orders import Order, waiting
from services.cod.rules.states import CHANGEABLE, GONE

DEPOSIT: Final = "deposit"  # payments' name for it


class DepositState(Enum):
    """Derived from the order and the payments."""

    DUE = "due"
    PAID = "paid"
    REFUNDING = "refunding"  # being refunded
    REFUNDED = "refunded"
    CANCELLED = "cancelled"  # no longer due, and never paid


@dataclass(frozen=True, slots=True)
class OrderDeposit:
    """`refunded_minor`: refunded part of the paid amount."""

    state: DepositState
    paid_minor: int
    refunded_minor: int
    paid_at: datetime | None


def check_due(order: Order) -> None:
    """Raises DepositNotDue."""
    if not order.owes_deposit:
        raise DepositNotDue


def asked(order: Order) -> Asked:
    """The request for its link."""
    return Asked(Purpose.DEPOSIT, order.deposit_minor, DEPOSIT)


def paid(order: Order, link: OrderLink, now: datetime) -> Order:
    """The order after its link was paid. Any other amount than the deposit due is refunded, as is
    the deposit of an order that has ended: see online_refunds.py.
    """
    more = replace(order, paid_online_minor=order.paid_online_minor + link.paid_minor)
    unpaid = order.kept_deposit is None and link.paid_minor == order.deposit_minor
    if not unpaid or order.state not in (*CHANGEABLE, *GONE):
        return more
    kept = replace(
        more,
        kept_deposit=link.number,
        deposit_paid_minor=link.paid_minor,
        deposit_paid_at=now,
    )
    return waiting(kept) if kept.state in CHANGEABLE else kept


def kept_minor(order: Order) -> int:
    """The part of the paid amount that counts for the order."""
    if order.kept_deposit is None or order.state in GONE:
        return 0
    return order.deposit_minor


def surplus_minor(order: Order) -> int:
    """The part of the paid amount to be refunded."""
    return order.deposit_paid_minor - kept_minor(order)


def asked_after_change(order: Order, total_minor: int) -> int | None:
    """The deposit once the order costs `total_minor`; None: as in the settings."""
    if order.kept_deposit is not None and order.deposit_minor < total_minor:
        return order.deposit_minor
    return order.deposit_asked_minor


def shown(order: Order) -> OrderDeposit | None:
    """The deposit for display; None if there is none."""
    if order.kept_deposit is None:
        if not order.deposit_minor:
            return None
        state = DepositState.DUE if order.owes_deposit else DepositState.CANCELLED
        return OrderDeposit(state, 0, 0, None)
    state = DepositState.PAID
    if surplus_minor(order) == order.deposit_paid_minor:
        done = order.deposit_refunded_minor == order.deposit_paid_minor
        state = DepositState.REFUNDED if done else DepositState.REFUNDING
    return OrderDeposit(
        state, order.deposit_paid_minor, order.deposit_refunded_minor, order.deposit_paid_at
    )
