"""Which payment links an order needs, and which may no longer be paid. Pure.

One is open at a time: a link for the whole order includes its deposit, so that no part of an order
is requested twice. If two of them get paid anyway, one is refunded: see online_refunds.py.
"""

from collections.abc import Sequence
from datetime import datetime

from services.cod.rules import converting, deposits
from services.cod.rules.order_links import OrderLink, Purpose
from services.cod.rules.orders import Order
from services.cod.rules.states import CONVERTIBLE


def outdated(order: Order, open_links: Sequence[OrderLink]) -> Sequence[OrderLink]:
    """Links for an amount that is no longer to be paid online."""
    if order.state not in CONVERTIBLE or order.collected_minor:
        return open_links
    whole = [link for link in open_links if _is_right_conversion(order, link)]
    return [
        link
        for link in open_links
        if link not in whole and (whole or not _is_right_deposit(order, link))
    ]


def _is_right_conversion(order: Order, link: OrderLink) -> bool:
    right = link.amount.amount_minor == converting.due_minor(order)
    return link.purpose is Purpose.CONVERSION and right


def _is_right_deposit(order: Order, link: OrderLink) -> bool:
    right = link.amount.amount_minor == order.deposit_minor
    return link.purpose is Purpose.DEPOSIT and right and order.owes_deposit


def lacks_deposit(order: Order, open_links: Sequence[OrderLink]) -> bool:
    """Whether a link for its deposit is missing. `open_links`: those not outdated."""
    return order.owes_deposit and not open_links


def paid(order: Order, link: OrderLink, now: datetime) -> Order:
    """The order after one of its links was paid."""
    if link.purpose is Purpose.DEPOSIT:
        return deposits.paid(order, link, now)
    return converting.paid(order, link, now)


def is_paid_otherwise(order: Order, link: OrderLink) -> bool:
    """Whether the page of a closed link says that its amount was paid."""
    if order.collected_minor or order.kept_link is not None:
        return True
    return link.purpose is Purpose.DEPOSIT and order.kept_deposit is not None
