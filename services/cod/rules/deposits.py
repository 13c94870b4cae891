"""What of an order is paid online before it is dispatched: asked for, paid, and given back. Pure.

A deposit that was paid counts for its order, whatever the order comes to later: the courier collects the rest. Only
when nothing would be left to collect it becomes what the rule says by then, and what is too much is given back; all
of it when the order is cancelled or comes back.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final

from services.cod.errors import DepositNotDue
from services.cod.rules.order_links import Asked, OrderLink, Purpose
from services.cod.rules.orders import Order, waiting
from services.cod.rules.states import CHANGEABLE, GONE

DEPOSIT: Final = "deposit"  # payments' name of it


class DepositState(Enum):
    """Follows from the order and what was paid."""

    DUE = "due"
    PAID = "paid"
    REFUNDING = "refunding"  # it is being given back
    REFUNDED = "refunded"
    CANCELLED = "cancelled"  # it is not asked for any more, and was never paid


@dataclass(frozen=True, slots=True)
class OrderDeposit:
    """`refunded_minor`: what of the paid was given back."""

    state: DepositState
    paid_minor: int
    refunded_minor: int
    paid_at: datetime | None


def check_due(order: Order) -> None:
    """Raises DepositNotDue."""
    if not order.owes_deposit:
        raise DepositNotDue


def asked(order: Order) -> Asked:
    """What its link asks for."""
    return Asked(Purpose.DEPOSIT, order.deposit_minor, DEPOSIT)


def paid(order: Order, link: OrderLink, now: datetime) -> Order:
    """After its link was paid. What is not the deposit that is asked for is given back, as is that of an order which is
    over: see online_refunds.py.
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
    """What of the paid counts for the order."""
    if order.kept_deposit is None or order.state in GONE:
        return 0
    return order.deposit_minor


def surplus_minor(order: Order) -> int:
    """What of the paid is to be given back."""
    return order.deposit_paid_minor - kept_minor(order)


def asked_after_change(order: Order, total_minor: int) -> int | None:
    """What an order asks for once it comes to `total_minor`; None: as the settings say."""
    if order.kept_deposit is not None and order.deposit_minor < total_minor:
        return order.deposit_minor
    return order.deposit_asked_minor


def shown(order: Order) -> OrderDeposit | None:
    """None where there is none."""
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
