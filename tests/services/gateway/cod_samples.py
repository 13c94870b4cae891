"""Pages of orders in every state, as cod would answer them."""

from collections.abc import Callable
from typing import Any, Final

from incasso.cod.v1 import orders_pb2, pages_pb2, refunds_pb2
from incasso.common.v1 import merchant_pb2, money_pb2, offer_pb2
from libs.errors import Kind, RemoteRefusal
from tests.services.gateway.conftest import Gateway

TOKEN: Final = "3xK9mQ2vT7bN4cR8wZ1pLd"
PATH: Final = f"/cod/{TOKEN}"
UNKNOWN: Final = RemoteRefusal(Kind.NOT_FOUND, "cod_order_not_found", "No such order.")
ORDER = orders_pb2.CodOrder
REFUND = refunds_pb2.CodRefund
DEPOSIT = orders_pb2.CodOrderDeposit


CONVERTIBLE: Final = (
    ORDER.STATE_PROPOSED,
    ORDER.STATE_CONFIRMED,
    ORDER.STATE_DISPATCHED,
    ORDER.STATE_OUT_FOR_DELIVERY,
    ORDER.STATE_REFUSED,
)


def page(state: Any, **more: Any) -> pages_pb2.CodPage:
    """An order of 129.00 with a fee of 6.00 and a paid deposit of 20.00; the rest may be paid online without the fee."""
    merchant = merchant_pb2.ShownMerchant(
        id="mer_1",
        name="Bottega Verdi",
        primary_colour="#1f5fbf",
        website_url="https://bottega.example",
        reply_to="ciao@bottega.example",
    )
    values: dict[str, Any] = {
        "merchant": merchant,
        "order_reference": "A-1001",
        "amount": money_pb2.Money(amount_minor=129_00, currency="EUR"),
        "lines": [
            orders_pb2.CodLine(name="Scarpe da corsa", quantity=1, unit_amount_minor=119_00),
            orders_pb2.CodLine(name="Calze", quantity=2, unit_amount_minor=5_00),
        ],
        "fee_minor": 6_00,
        "total_minor": 135_00,
        "deposit_minor": 20_00,
        "deposit": deposit(DEPOSIT.STATE_PAID),
        "to_collect_minor": 115_00,
        "mode": offer_pb2.COLLECTION_MODE_CASH,
        "town": "Roma",
        "courier": "GLS",
        "locale": "it",
        "form_key": "form-key-1",
        "online_minor": 109_00 if state in CONVERTIBLE else None,
    }
    return pages_pb2.CodPage(state=state, **{**values, **more})


def deposit(state: Any, paid_minor: int = 20_00) -> orders_pb2.CodOrderDeposit:
    unpaid = state in (DEPOSIT.STATE_DUE, DEPOSIT.STATE_CANCELLED)
    return DEPOSIT(state=state, paid_minor=0 if unpaid else paid_minor)


def unpaid(state: Any, **more: Any) -> pages_pb2.CodPage:
    """The deposit is due; the whole order may be paid instead."""
    known = {"deposit": deposit(DEPOSIT.STATE_DUE), "online_minor": 129_00}
    return page(state, **{**known, **more})


def plain(state: Any, **more: Any) -> pages_pb2.CodPage:
    """An order without fee, deposit and lines."""
    known: dict[str, Any] = {
        "fee_minor": 0,
        "total_minor": 129_00,
        "deposit_minor": 0,
        "deposit": None,
        "to_collect_minor": 129_00,
    }
    if state in CONVERTIBLE:
        known["online_minor"] = 129_00
    return page(state, **{**known, "lines": [], **more})


def with_courier(state: Any, **more: Any) -> pages_pb2.CodPage:
    return page(state, tracking_numbers=["GL123456789", "GL123456790"], **more)


def collected(state: Any, **more: Any) -> pages_pb2.CodPage:
    found = with_courier(state, collected_minor=115_00, **more)
    found.collected_at.FromSeconds(1_795_000_000)
    return found


def converted(**more: Any) -> pages_pb2.CodPage:
    """An order paid online, and so without a fee."""
    paid = {"fee_minor": 0, "total_minor": 129_00, "to_collect_minor": 0}
    return with_courier(ORDER.STATE_CONVERTED, **paid, paid_online_minor=109_00, **more)


def refund(state: Any, amount_minor: int = 20_00, *, named: bool = True) -> pages_pb2.CodPageRefund:
    account = refunds_pb2.MaskedAccount(holder="G••• B•••", iban="IT60 ••• 3456")
    amount = money_pb2.Money(amount_minor=amount_minor, currency="EUR")
    return pages_pb2.CodPageRefund(state=state, amount=amount, account=account if named else None)


def refunded(*refunds: pages_pb2.CodPageRefund, **more: Any) -> pages_pb2.CodPage:
    """The collected cash is refunded in parts; by default, the first one waits for an account."""
    known = refunds or (
        refund(REFUND.STATE_REQUESTED, named=False),
        refund(REFUND.STATE_READY, 15_00),
    )
    return collected(ORDER.STATE_COLLECTED, refunds=known, **more)


def to_confirm(**more: Any) -> pages_pb2.CodPage:
    return page(ORDER.STATE_PROPOSED, **{"code_sent_to": "••• 567", **more})


STATES: Final[dict[str, Callable[..., pages_pb2.CodPage]]] = {
    "confirm": to_confirm,
    "confirm-plain": lambda **more: plain(
        ORDER.STATE_PROPOSED, code_sent_to="g•••@example.com", **more
    ),
    "confirm-deposit": lambda **more: unpaid(ORDER.STATE_PROPOSED, code_sent_to="••• 567", **more),
    "deposit": lambda **more: unpaid(ORDER.STATE_CONFIRMED, **more),
    "deposit-surplus": lambda **more: page(
        ORDER.STATE_CONFIRMED, deposit=deposit(DEPOSIT.STATE_PAID, 50_00), **more
    ),
    "confirmed-plain": lambda **more: plain(ORDER.STATE_CONFIRMED, **more),
    "confirmed": lambda **more: page(ORDER.STATE_CONFIRMED, **more),
    "dispatched": lambda **more: with_courier(ORDER.STATE_DISPATCHED, **more),
    "out": lambda **more: with_courier(ORDER.STATE_OUT_FOR_DELIVERY, **more),
    "missed": lambda **more: with_courier(ORDER.STATE_DISPATCHED, attempts=1, **more),
    "refused": lambda **more: with_courier(ORDER.STATE_REFUSED, attempts=1, **more),
    "collected": lambda **more: collected(ORDER.STATE_COLLECTED, **more),
    "remitted": lambda **more: collected(ORDER.STATE_REMITTED, **more),
    "short": lambda **more: collected(ORDER.STATE_SHORT, **more),
    "overdue": lambda **more: collected(ORDER.STATE_OVERDUE, **more),
    "converted": converted,
    "twice": lambda **more: collected(ORDER.STATE_COLLECTED, paid_online_minor=109_00, **more),
    "refund": refunded,
    "returned": lambda **more: with_courier(
        ORDER.STATE_RETURNED, deposit=deposit(DEPOSIT.STATE_REFUNDED), **more
    ),
    "cancelled": lambda **more: page(
        ORDER.STATE_CANCELLED, deposit=deposit(DEPOSIT.STATE_REFUNDING), **more
    ),
    "cancelled-unpaid": lambda **more: page(
        ORDER.STATE_CANCELLED, deposit=deposit(DEPOSIT.STATE_CANCELLED), **more
    ),
    "newer": lambda **more: page(99, **more),
}


def show(gateway: Gateway, found: Any) -> None:
    """Sets what the service answers from now on."""
    answer = found if isinstance(found, Exception) else pages_pb2.GetCodPageResponse(page=found)
    gateway.services.answers["GetCodPage"] = answer
