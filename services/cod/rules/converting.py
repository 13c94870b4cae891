"""Orders that were to be paid at the door and are paid online. Pure.

A link asks for the price less the deposit: the fee for cash falls away with the cash. Until it is paid the courier
may collect, and the order stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final

from libs.display import language_of
from libs.money import Money
from libs.payments import links
from libs.payments.links import LinkState
from services.cod.errors import NothingToPayOnline
from services.cod.rules.orders import Order, closed
from services.cod.rules.states import (
    CONVERTIBLE,
    GONE,
    LINK_INITIAL,
    ORDER_TRANSITIONS,
    OrderEvent,
    OrderState,
)

BALANCE: Final = "balance"  # payments' name of what follows a deposit
DESCRIPTIONS: Final[Mapping[str, str]] = {"it": "Ordine {reference}", "en": "Order {reference}"}


class Purpose(Enum):
    CONVERSION = "conversion"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLink:
    """A payment link of an order; `id` is the key under which paylink is asked. `payment_id`: by which it was
    paid, None as long as it is not, or when a person gave it a bank transfer. `checks`: how often paylink was
    asked, or was about to be.
    """

    merchant_id: str
    id: str
    order_id: str
    number: int
    purpose: Purpose = Purpose.CONVERSION
    state: LinkState = LINK_INITIAL
    amount: Money
    order_part: str
    payment_link_id: str | None = None
    payment_id: str | None = None
    paid_minor: int = 0
    checks: int = 1
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PaidLink:
    """What paylink tells."""

    cod_order_id: str
    number: int
    payment_link_id: str
    amount_minor: int
    payment_id: str | None


def id_of(order_id: str, number: int) -> str:
    """Of an order's link."""
    return f"{order_id}.{number}"


def described(order: Order) -> str:
    return DESCRIPTIONS[language_of(order.locale)].format(reference=order.order_reference)


def due_minor(order: Order) -> int:
    """What is to be paid of it online: the price without the fee for cash, less the deposit."""
    return order.amount.amount_minor - order.deposit_minor


def check_convertible(order: Order) -> None:
    """Raises OrderClosed, NothingToPayOnline."""
    if order.state not in CONVERTIBLE:
        raise closed(order)
    if online_minor(order) is None:
        raise NothingToPayOnline


def online_minor(order: Order) -> int | None:
    """What it comes to when it is paid online now; None when it cannot be."""
    open_for_it = order.state in CONVERTIBLE and not order.collected_minor
    return due_minor(order) if open_for_it and due_minor(order) > 0 else None


def wanted(order: Order, now: datetime) -> tuple[Order, OrderLink]:
    """Its next link, and the order that has it."""
    number = order.links + 1
    link = OrderLink(
        merchant_id=order.merchant_id,
        id=id_of(order.id, number),
        order_id=order.id,
        number=number,
        amount=Money(due_minor(order), order.amount.currency),
        order_part=BALANCE if order.deposit_minor else "",
        created_at=now,
    )
    return replace(order, links=number), link


def outdated(order: Order, open_links: Sequence[OrderLink]) -> Sequence[OrderLink]:
    """Those that ask for what is not to be paid online any more."""
    if order.state not in CONVERTIBLE or order.collected_minor:
        return open_links
    return [link for link in open_links if link.amount.amount_minor != due_minor(order)]


def left(link: OrderLink) -> OrderLink:
    """Nothing is to be paid by it any more."""
    return replace(link, state=links.left(link))


def is_paid(order: Order) -> bool:
    """Whether its page says that it was paid, once its link is closed."""
    return bool(order.collected_minor or order.paid_online_minor)


def paid(order: Order, link: OrderLink, now: datetime) -> Order:
    """After its link was paid. Money that pays the order ends the cash leg, with its fee, and what couriers
    acknowledged is void. What does not, since the order is over, has another price or is paid already, is given
    back: see online_refunds.py.
    """
    more = replace(order, paid_online_minor=order.paid_online_minor + link.paid_minor)
    fits = link.paid_minor == due_minor(order) and order.kept_link is None
    if not fits or order.state in GONE:
        return more
    kept = replace(more, kept_link=link.number)
    to = ORDER_TRANSITIONS.get((order.state, OrderEvent.PAY_ONLINE))
    if to is None or (order.state is OrderState.COLLECTED and order.collected_minor):
        return kept
    return replace(kept, state=to, converted_at=now, collected_at=None, remit_due_at=None)


def shown(order: Order) -> Order:
    """As it is to be read: of one that was paid online nothing is to be collected, and no fee is asked for."""
    if order.state is not OrderState.CONVERTED:
        return order
    return replace(
        order,
        fee_minor=0,
        fee_net_minor=0,
        fee_vat_minor=0,
        to_collect_minor=0,
        cut_minor=0,
        acknowledged_minor=None,
    )
