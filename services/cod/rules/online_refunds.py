"""Refunds of money that was paid online for an order that does not need it. Pure.

Cash stands, since the courier has it: each collected amount is refunded from the online payment, so
that the merchant gets the price once, whichever payment came first. A payment that never belonged to
the order is refunded in full. A deposit is not refunded because of cash, since the courier collects
the rest: see deposits.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from libs.errors import Kind, StoredRefusal
from libs.money import Money
from libs.payments.links import LinkState
from libs.payments.repayments import RepaymentState
from services.cod.rules import deposits
from services.cod.rules.order_links import OrderLink, id_of
from services.cod.rules.orders import Order
from services.cod.rules.states import ONLINE_REFUND_INITIAL

BY_TRANSFER: Final = StoredRefusal(
    Kind.CONFLICT.name,
    "paid_by_bank_transfer",
    "The link was paid by bank transfer: refund the payer by bank transfer.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRefund:
    """One refund of the payment of one link; `id` is the key of payments.RefundPayment.
    `reference`: payments' own id of it. `told_at`: time of the latest report from payments.
    """

    merchant_id: str
    id: str
    order_id: str
    link: int
    number: int
    payment_id: str | None
    state: RepaymentState = ONLINE_REFUND_INITIAL
    amount: Money
    reference: str | None = None
    refusal: StoredRefusal | None = None
    told_at: datetime | None = None
    created_at: datetime


def target_minor(order: Order, link: OrderLink) -> int:
    """The amount of the link's payment to be refunded."""
    if link.state is not LinkState.PAID:
        return 0
    if link.number == order.kept_deposit:
        return deposits.surplus_minor(order)
    if link.number != order.kept_link:
        return link.paid_minor
    return min(link.paid_minor, order.collected_minor)


def owed(
    order: Order,
    links: Sequence[OrderLink],
    refunds: Sequence[OnlineRefund],
    now: datetime,
    *,
    again: bool = False,
) -> Sequence[OnlineRefund]:
    """The refunds to request. `again`: also refused ones, which otherwise wait for a person."""
    wanted = []
    for link in links:
        mine = [refund for refund in refunds if refund.link == link.number]
        counted = [one for one in mine if not again or one.state is not RepaymentState.FAILED]
        left = target_minor(order, link) - sum(one.amount.amount_minor for one in counted)
        if left > 0:
            wanted.append(_intent(order, link, len(mine) + 1, left, now))
    return wanted


def _intent(
    order: Order, link: OrderLink, number: int, amount_minor: int, now: datetime
) -> OnlineRefund:
    return OnlineRefund(
        merchant_id=order.merchant_id,
        id=f"{link.id}.{number}",
        order_id=order.id,
        link=link.number,
        number=number,
        payment_id=link.payment_id,
        amount=Money(amount_minor, order.amount.currency),
        created_at=now,
    )


def instead_minor(order: Order) -> int:
    """The amount paid online instead of at the door and not refunded, without the deposit."""
    of_deposit = order.deposit_paid_minor - order.deposit_refunded_minor
    return order.paid_online_minor - order.refunded_online_minor - of_deposit


def is_ours(key: str, refund: OnlineRefund) -> bool:
    """Whether a refund of the payment was requested under one of the link's keys."""
    return key.startswith(f"{id_of(refund.order_id, refund.link)}.")


def refunded(order: Order, before: OnlineRefund, after: OnlineRefund) -> Order:
    """The order with its refunded total, after one of its refunds has changed state."""
    was, now = (one.state is RepaymentState.SUCCEEDED for one in (before, after))
    more_minor = (now - was) * after.amount.amount_minor
    of_deposit_minor = more_minor if after.link == order.kept_deposit else 0
    return replace(
        order,
        refunded_online_minor=order.refunded_online_minor + more_minor,
        deposit_refunded_minor=order.deposit_refunded_minor + of_deposit_minor,
    )


def made_elsewhere(refunds: Sequence[OnlineRefund], amount_minor: int) -> OnlineRefund | None:
    """The refused refund that a refund of this amount, made at payments, replaces."""
    failed = [one for one in refunds if one.state is RepaymentState.FAILED]
    return next((one for one in failed if one.amount.amount_minor == amount_minor), None)
