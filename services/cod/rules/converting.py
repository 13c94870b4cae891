"""Cash-on-delivery orders that are paid online instead. Pure.

A link is for the price less a paid deposit, without the cash fee. Until it is paid the courier may
collect, and the order is unchanged.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.cod.errors import NothingToPayOnline
from services.cod.rules.order_links import Asked, OrderLink, Purpose
from services.cod.rules.orders import Order, closed
from services.cod.rules.states import (
    CONVERTIBLE,
    GONE,
    ORDER_TRANSITIONS,
    OrderEvent,
    OrderState,
)

BALANCE: Final = "balance"  # payments' name for what follows a deposit
WHOLE: Final = ""


def due_minor(order: Order) -> int:
    """The amount to pay online: the price without the cash fee, less the deposit once it is
    paid.
    """
    paid_before = order.deposit_minor if order.kept_deposit is not None else 0
    return order.amount.amount_minor - paid_before


def asked(order: Order) -> Asked:
    """The request for its link."""
    part = WHOLE if order.kept_deposit is None else BALANCE
    return Asked(Purpose.CONVERSION, due_minor(order), part)


def check_convertible(order: Order) -> None:
    """Raises OrderClosed, NothingToPayOnline."""
    if order.state not in CONVERTIBLE:
        raise closed(order)
    if online_minor(order) is None:
        raise NothingToPayOnline


def online_minor(order: Order) -> int | None:
    """The amount if paid online now; None if that is not possible."""
    open_for_it = order.state in CONVERTIBLE and not order.collected_minor
    return due_minor(order) if open_for_it and due_minor(order) > 0 else None


def paid(order: Order, link: OrderLink, now: datetime) -> Order:
    """The order after its link was paid. A payment that pays it ends the cash payment with its fee,
    and voids couriers' acknowledgements. Any other, for an order that has ended, has another price
    or is already paid, is refunded: see online_refunds.py.
    """
    more = replace(order, paid_online_minor=order.paid_online_minor + link.paid_minor)
    fits = link.paid_minor == due_minor(order) and order.kept_link is None
    if not fits or order.state in GONE:
        return more
    kept = replace(more, kept_link=link.number)
    to = ORDER_TRANSITIONS.get((order.state, OrderEvent.PAY_ONLINE))
    if to is None or (order.state is OrderState.COLLECTED and order.collected_minor):
        return kept
    return replace(
        kept, state=to, converted_at=now, collected_at=None, remit_due_at=None, expires_at=None
    )


def shown(order: Order) -> Order:
    """For display: a converted order has nothing to collect and no fee; nor a deposit, if it was
    paid in full at once.
    """
    if order.state is not OrderState.CONVERTED:
        return order
    return replace(
        order,
        fee_minor=0,
        fee_net_minor=0,
        fee_vat_minor=0,
        deposit_minor=0 if order.kept_deposit is None else order.deposit_minor,
        to_collect_minor=0,
        cut_minor=0,
        acknowledged_minor=None,
    )
