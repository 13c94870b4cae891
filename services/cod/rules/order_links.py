"""Payment links that pay cash-on-delivery orders online, in full or in part. Pure.

paying_online.py decides which of them an order needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final

from libs.display import language_of
from libs.money import Money
from libs.payments import links
from libs.payments.links import LinkState
from services.cod.rules.orders import Order
from services.cod.rules.states import LINK_INITIAL


class Purpose(Enum):
    DEPOSIT = "deposit"  # paid before dispatch
    CONVERSION = "conversion"  # instead of paying at the door


DESCRIPTIONS: Final[Mapping[Purpose, Mapping[str, str]]] = {
    Purpose.DEPOSIT: {
        "it": "Acconto dell'ordine {reference}",
        "en": "Deposit of order {reference}",
    },
    Purpose.CONVERSION: {"it": "Ordine {reference}", "en": "Order {reference}"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLink:
    """A payment link of an order; `id` is the key at paylink. `payment_id`: the payment that paid
    it, None until then, or if a person assigned a bank transfer to it. `checks`: number of calls to
    paylink, including one about to be made. `sealed_url`: the URL of a deposit's link while it is
    open.
    """

    merchant_id: str
    id: str
    order_id: str
    number: int
    purpose: Purpose
    state: LinkState = LINK_INITIAL
    amount: Money
    order_part: str
    payment_link_id: str | None = None
    payment_id: str | None = None
    paid_minor: int = 0
    sealed_url: str | None = None
    checks: int = 1
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PaidLink:
    """Paylink's report."""

    cod_order_id: str
    number: int
    payment_link_id: str
    amount_minor: int
    payment_id: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """The request for a link. `order_part`: payments' name for that part of the order."""

    purpose: Purpose
    amount_minor: int
    order_part: str


def id_of(order_id: str, number: int) -> str:
    """Id of an order's link."""
    return f"{order_id}.{number}"


def described(order: Order, purpose: Purpose) -> str:
    words = DESCRIPTIONS[purpose][language_of(order.locale)]
    return words.format(reference=order.order_reference)


def requested(order: Order, asked: Asked, now: datetime) -> tuple[Order, OrderLink]:
    """The order with its next link, and the link."""
    number = order.links + 1
    link = OrderLink(
        merchant_id=order.merchant_id,
        id=id_of(order.id, number),
        order_id=order.id,
        number=number,
        purpose=asked.purpose,
        amount=Money(asked.amount_minor, order.amount.currency),
        order_part=asked.order_part,
        created_at=now,
    )
    return replace(order, links=number), link


def released(link: OrderLink) -> OrderLink:
    """The link, which must no longer be paid."""
    return replace(link, state=links.released(link))
