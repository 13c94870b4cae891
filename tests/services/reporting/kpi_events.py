"""Events that KPIs are computed from, as their services publish them."""

from datetime import UTC, datetime
from typing import Any

from incasso.cod.v1 import events_pb2 as cod
from incasso.cod.v1 import orders_pb2
from incasso.common.v1.money_pb2 import Money
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.instalments.v1 import plans_pb2
from incasso.oneclick.v1 import events_pb2 as oneclick
from incasso.paylink.v1 import events_pb2 as paylink
from incasso.paylink.v1 import paylink_pb2, shop_pb2
from incasso.payments.v1 import events_pb2 as payments
from libs import ids, wire
from tests.services.reporting.world import AT, captured, payment

Link = paylink_pb2.PaymentLink
TRANSFER = paylink_pb2.METHOD_BANK_TRANSFER


def eur(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency="EUR")


def day(text: str) -> datetime:
    """Noon of a day, in UTC."""
    return datetime.fromisoformat(text).replace(hour=12, tzinfo=UTC)


def sold(
    amount_minor: int, order: str, *, method: str = "one_click", customer: str = "", **more: Any
):
    """A captured payment."""
    return captured(
        payment(
            amount_minor,
            order_reference=order,
            method=method,
            customer_id=customer or None,
            **more,
        )
    )


def refused(order: str, *, method: str = "one_click", **more: Any):
    """A declined payment."""
    return payments.PaymentDeclined(
        payment=payment(5990, order_reference=order, method=method, **more)
    )


def session(kind: Any, of: str, at: datetime = AT):
    return kind(session_id=of, amount=eur(5990), created_at=wire.timestamp(at))


def link(kind: Any, of: str, at: datetime = AT, **more: Any):
    fields = {"amount": eur(5990), "origin": Link.ORIGIN_API, "created_at": wire.timestamp(at)}
    return kind(payment_link=Link(id=of, **{**fields, **more}))


def transferred(amount_minor: int, order: str, **more: Any):
    """A link paid by bank transfer."""
    paid = link(paylink.PaymentLinkPaid, ids.new("lnk"), order_reference=order, **more)
    paid.link_payment.CopyFrom(
        paylink_pb2.LinkPayment(id=ids.new("lpy"), method=TRANSFER, amount=eur(amount_minor))
    )
    return paid


def plan(kind: Any, of: str, amount_minor: int = 16000, at: datetime = AT, **more: Any):
    made = plans_pb2.InstalmentPlan(
        id=of, amount=eur(amount_minor), created_at=wire.timestamp(at), **more
    )
    return kind(plan=made)


def cod_order(kind: Any, of: str, at: datetime = AT):
    order = orders_pb2.CodOrder(id=of, amount=eur(5990), created_at=wire.timestamp(at))
    return kind(order=order)


def cash(amount_minor: int, order: str, at: datetime = AT, customer: str = ""):
    return cod.CodParcelCollected(
        cod_order_id=ids.new("cod"),
        order_reference=order,
        courier_id="cou_1",
        collected=eur(amount_minor),
        collected_at=wire.timestamp(at),
        customer_id=customer or None,
    )


def cart(kind: Any, of: str, amount_minor: int):
    return kind(cart=shop_pb2.Cart(id=of, amount=eur(amount_minor)))


def erased(customer: str):
    return oneclick.CustomerErased(customer_id=customer)


FIRST_PAID = instalments.PlanActivated
