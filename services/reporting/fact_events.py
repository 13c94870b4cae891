"""What other services' events say of money: which are booked, and how each is read.

All that tell of money are here; whatever else is told of a payment, plan, order or link moves none.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, TypeAlias

from incasso.payments.v1 import events_pb2 as payments
from incasso.payments.v1 import payments_pb2
from libs import descriptors, wire
from libs.bus import Event
from services.reporting.rules.facts import (
    Disputed,
    DisputeMoved,
    DisputeState,
    Fact,
    PspCharge,
    PspRefund,
    Told,
)

Read: TypeAlias = Callable[[Any, Event], Told]
_PREFIX: Final = "incasso."
_DISPUTES: Final = wire.members(DisputeState, payments_pb2.Dispute.State)


def _captured(message: payments.PaymentCaptured, event: Event) -> Told:
    payment = message.payment
    fact = PspCharge(payment.psp_account, _is_of_plan(payment), message.amount_minor)
    return _of_payment(event, payment, fact)


def _refunded(message: payments.PaymentRefunded, event: Event) -> Told:
    return _of_payment(event, message.payment, _refund(message, undone=False))


def _refund_failed(message: payments.PaymentRefundFailed, event: Event) -> Told:
    """One that had not succeeded has moved nothing."""
    amount_minor = message.refund.amount_minor if message.had_succeeded else 0
    return _of_payment(
        event, message.payment, _refund(message, undone=True, amount_minor=amount_minor)
    )


def _dispute_opened(message: payments.DisputeOpened, event: Event) -> Told:
    """Of one that has its end already, an event of its own tells."""
    payment, dispute = message.payment, message.dispute
    opened = Disputed(DisputeState.OPEN, dispute.amount_minor)
    return _of_payment(event, payment, DisputeMoved(payment.psp_account, None, opened))


def _dispute_moved(message: payments.DisputeUpdated | payments.DisputeClosed, event: Event) -> Told:
    after = Disputed(_DISPUTES[message.dispute.state], message.dispute.amount_minor)
    before = Disputed(DisputeState.OPEN, after.amount_minor)
    if message.HasField("previous"):
        before = Disputed(_DISPUTES[message.previous.state], message.previous.amount_minor)
    fact = DisputeMoved(message.payment.psp_account, before, after)
    return _of_payment(event, message.payment, fact)


def _refund(message: Any, *, undone: bool, amount_minor: int | None = None) -> PspRefund:
    payment = message.payment
    amount = message.refund.amount_minor if amount_minor is None else amount_minor
    return PspRefund(payment.psp_account, _is_of_plan(payment), amount, undone=undone)


def _is_of_plan(payment: payments_pb2.Payment) -> bool:
    """Also one by the link of a missed part."""
    return payment.method == "instalments" or payment.order_part.startswith("instalment:")


def _of_payment(event: Event, payment: payments_pb2.Payment, fact: Fact) -> Told:
    return _told(
        event,
        fact,
        currency=payment.amount.currency,
        payment_id=payment.id,
        order_reference=payment.order_reference,
    )


def _told(
    event: Event,
    fact: Fact,
    *,
    currency: str,
    payment_id: str = "",
    order_reference: str = "",
    happened_on: date | None = None,
) -> Told:
    """It happened on the event's day, in UTC, where the event does not say another."""
    return Told(
        merchant_id=event.merchant_id,
        event_id=event.event_id,
        kind=event.subject.removeprefix(_PREFIX),
        happened_on=happened_on or event.occurred_at.date(),
        currency=currency,
        resource_id=event.aggregate_id,
        payment_id=payment_id or None,
        order_reference=order_reference or None,
        trace_id=event.traceparent[3:35],
        fact=fact,
    )


_READERS: Final[Mapping[Any, Read]] = {
    payments.PaymentCaptured: _captured,
    payments.PaymentRefunded: _refunded,
    payments.PaymentRefundFailed: _refund_failed,
    payments.DisputeOpened: _dispute_opened,
    payments.DisputeUpdated: _dispute_moved,
    payments.DisputeClosed: _dispute_moved,
}
_BY_SUBJECT: Final = {
    descriptors.subject_of(message()): (message, read) for message, read in _READERS.items()
}
SUBJECTS: Final = tuple(_BY_SUBJECT)


def told_of(event: Event) -> Told:
    """KeyError for an event that is not booked."""
    message, read = _BY_SUBJECT[event.subject]
    return read(message.FromString(event.body), event)
