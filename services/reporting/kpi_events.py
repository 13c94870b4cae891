"""The events that KPIs are computed from, and how each is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from incasso.cod.v1 import events_pb2 as cod
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.oneclick.v1 import events_pb2 as oneclick
from incasso.paylink.v1 import events_pb2 as paylink
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import events_pb2 as payments
from libs import descriptors, wire
from libs.bus import Event
from libs.money import Money
from services.reporting.fact_events import is_of_plan
from services.reporting.rules import kpi_facts as rules
from services.reporting.rules.kpi_facts import (
    COD,
    INSTALMENTS,
    LINK,
    ONE_CLICK,
    CartPaid,
    CartSent,
    CustomerErased,
    KpiFact,
    OrderDeclined,
    OrderPaid,
    StepReached,
)
from services.reporting.rules.surveys import Question, SurveyAnswer

Read: TypeAlias = Callable[[Any, Event], Sequence[KpiFact]]
# Links of other origins collect for an order of another method, which has its own steps.
_OWN_LINKS: Final = {
    paylink_pb2.PaymentLink.ORIGIN_API,
    paylink_pb2.PaymentLink.ORIGIN_SHOP,
    paylink_pb2.PaymentLink.ORIGIN_CART,
}


def _captured(message: payments.PaymentCaptured, event: Event) -> Sequence[KpiFact]:
    """Skips payments of plans: the plan counts as the order, not its payments."""
    payment = message.payment
    if is_of_plan(payment):
        return ()
    key = _order_key(payment)
    money = Money(message.amount_minor, payment.amount.currency)
    paid = _paid(event, key, event.event_id, money, payment.customer_id)
    return (replace(paid, method=payment.method),)


def _declined(message: payments.PaymentDeclined, event: Event) -> Sequence[KpiFact]:
    """One-click only: the other methods' steps already show who tried to pay."""
    payment = message.payment
    if payment.method != ONE_CLICK:
        return ()
    day = event.occurred_at.date()
    currency = payment.amount.currency
    return (OrderDeclined(event.merchant_id, _order_key(payment), currency, day),)


def _order_key(payment: Any) -> str:
    return rules.order_key(
        payment.order_reference,
        payment.order_part,
        payment.id,
        is_repeat=payment.HasField("duplicate_of"),
    )


def _link_paid(message: paylink.PaymentLinkPaid, event: Event) -> Sequence[KpiFact]:
    """Adds bank transfers only: payments report cards, and plans report themselves."""
    link, attempt = message.payment_link, message.link_payment
    steps = _link_step("paid")(message, event)
    if attempt.method != paylink_pb2.METHOD_BANK_TRANSFER or link.plan_id:
        return steps
    part = f"use:{attempt.id}" if link.reusable else ""
    key = rules.order_key(link.order_reference, part, link.id, is_repeat=False)
    paid = _paid(event, key, attempt.id, wire.money_of(attempt.amount), link.customer_id)
    return (*steps, replace(paid, method=LINK))


def _plan_paid(
    message: instalments.PlanActivated | instalments.PlanCompleted, event: Event
) -> Sequence[KpiFact]:
    """The whole price counts as sold at the first payment. A plan financed by a partner is paid at
    once and never becomes active.
    """
    plan = message.plan
    stamp = plan.activated_at if plan.HasField("activated_at") else plan.ended_at
    key = rules.order_key(plan.order_reference, "", plan.id, is_repeat=False)
    paid = _paid(event, key, plan.id, wire.money_of(plan.amount), plan.customer_id)
    at = wire.time_of(stamp)
    paid = replace(paid, method=INSTALMENTS, paid_at=at, paid_on=_day(at, event))
    return (*_plan_step("first_payment")(message, event), paid)


def _cash_collected(message: cod.CodParcelCollected, event: Event) -> Sequence[KpiFact]:
    key = rules.order_key(message.order_reference, "", message.cod_order_id, is_repeat=False)
    money, at = wire.money_of(message.collected), wire.time_of(message.collected_at)
    paid = _paid(event, key, event.event_id, money, message.customer_id)
    return (replace(paid, method=COD, paid_at=at, paid_on=_day(at, event)),)


def _paid(event: Event, order_key: str, paid_id: str, money: Money, customer_id: str) -> OrderPaid:
    """Paid when the event occurred; the caller sets the method."""
    return OrderPaid(
        merchant_id=event.merchant_id,
        order_key=order_key,
        id=paid_id,
        method="",
        currency=money.currency,
        amount_minor=money.amount_minor,
        paid_at=event.occurred_at,
        paid_on=event.occurred_at.date(),
        customer_id=customer_id or None,
    )


def _session_step(step: str) -> Read:
    def read(message: Any, event: Event) -> Sequence[KpiFact]:
        return (_reached(event, ONE_CLICK, step, message, message.session_id),)

    return read


def _link_step(step: str) -> Read:
    def read(message: Any, event: Event) -> Sequence[KpiFact]:
        link = message.payment_link
        is_own = link.origin in _OWN_LINKS and not link.reusable
        return (_reached(event, LINK, step, link, link.id),) if is_own else ()

    return read


def _plan_step(step: str) -> Read:
    def read(message: Any, event: Event) -> Sequence[KpiFact]:
        plan = message.plan
        return (_reached(event, INSTALMENTS, step, plan, plan.id),)

    return read


def _cod_step(step: str) -> Read:
    def read(message: Any, event: Event) -> Sequence[KpiFact]:
        order = message.order
        return (_reached(event, COD, step, order, order.id),)

    return read


def _reached(event: Event, method: str, step: str, of: Any, resource_id: str) -> StepReached:
    """`of`: a message with an amount and a creation time; its currency and day never change."""
    return StepReached(
        event.merchant_id,
        method,
        resource_id,
        of.amount.currency,
        _day(wire.time_of(of.created_at), event),
        rules.number_of(method, step),
    )


def _cart_sent(message: paylink.CartRecoverySent, event: Event) -> Sequence[KpiFact]:
    cart, money = message.cart, message.cart.amount
    day = event.occurred_at.date()
    return (CartSent(event.merchant_id, cart.id, money.currency, money.amount_minor, day),)


def _cart_paid(message: paylink.CartRecovered, event: Event) -> Sequence[KpiFact]:
    cart, money = message.cart, message.cart.amount
    return (CartPaid(event.merchant_id, cart.id, money.currency, money.amount_minor),)


def _rated(message: paylink.SatisfactionGiven, event: Event) -> Sequence[KpiFact]:
    """The answer to the receipt's own question, filed under the id that the payment's survey has."""
    tried = message.link_payment
    paid_id = tried.payment_id or tried.plan_id or tried.id
    answered = (event.merchant_id, paid_id, Question.SATISFACTION)
    return (SurveyAnswer(*answered, tried.satisfaction, event.occurred_at),)


def _erased(message: oneclick.CustomerErased, event: Event) -> Sequence[KpiFact]:
    return (CustomerErased(event.merchant_id, message.customer_id),)


def _day(at: datetime, event: Event) -> date:
    """The date in the merchant's zone, which the event's time carries."""
    return at.astimezone(event.occurred_at.tzinfo).date()


_READERS: Final[Mapping[Any, Read]] = {
    payments.PaymentCaptured: _captured,
    payments.PaymentDeclined: _declined,
    oneclick.OneClickSessionOpened: _session_step("opened"),
    oneclick.OneClickSessionPaid: _session_step("charged"),
    oneclick.CustomerErased: _erased,
    paylink.PaymentLinkCreated: _link_step("created"),
    paylink.PaymentLinkSent: _link_step("sent"),
    paylink.PaymentLinkSeen: _link_step("seen"),
    paylink.PaymentLinkPaying: _link_step("paying"),
    paylink.PaymentLinkPaid: _link_paid,
    paylink.CartRecoverySent: _cart_sent,
    paylink.CartRecovered: _cart_paid,
    paylink.SatisfactionGiven: _rated,
    instalments.PlanCreated: _plan_step("offered"),
    instalments.PlanAccepted: _plan_step("accepted"),
    instalments.PlanActivated: _plan_paid,
    instalments.PlanCompleted: _plan_paid,
    cod.CodOrderProposed: _cod_step("proposed"),
    cod.CodOrderConfirmed: _cod_step("confirmed"),
    cod.CodOrderDispatched: _cod_step("dispatched"),
    cod.CodOrderCollected: _cod_step("collected"),
    cod.CodParcelCollected: _cash_collected,
}
_BY_SUBJECT: Final = {
    descriptors.subject_of(message()): (message, read) for message, read in _READERS.items()
}
SUBJECTS: Final = tuple(_BY_SUBJECT)


def facts_of(event: Event, zone: ZoneInfo) -> Sequence[KpiFact]:
    """`zone`: the merchant's. Raises KeyError for other events."""
    message, read = _BY_SUBJECT[event.subject]
    local = replace(event, occurred_at=event.occurred_at.astimezone(zone))
    return read(message.FromString(event.body), local)
