"""Payments as protobuf, in answers and events."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from google.protobuf.message import Message

from incasso.payments.v1 import events_pb2, payments_pb2
from libs import descriptors, erasing, outbox, wire
from libs.outbox import NewEvent
from libs.payments.answer import Advice
from libs.rows import Placed
from services.payments.rules import retry
from services.payments.rules.by_hand import Found
from services.payments.rules.domain import (
    MOST_REFUNDS,
    Attempt,
    Dispute,
    Fact,
    Happened,
    Payment,
    Refund,
)
from services.payments.rules.orders import DuplicatePolicy
from services.payments.rules.outcomes import Declined
from services.payments.rules.velocity import LimitedSubject, kind_of, name_of

_ADVICE: Final = wire.numbers(Advice, payments_pb2.Decline.Advice)
POLICIES: Final = wire.numbers(DuplicatePolicy, payments_pb2.PaymentPolicy.DuplicateOrders)


def payment_pb(payment: Payment) -> payments_pb2.Payment:
    """For an answer: with the latest refunds, and all disputes."""
    message = _without_parts(payment)
    message.refunds.extend(refund_pb(refund) for refund in payment.refunds[-MOST_REFUNDS:])
    message.disputes.extend(dispute_pb(dispute) for dispute in payment.disputes)
    return message


def _without_parts(payment: Payment) -> payments_pb2.Payment:
    url = payment.next_action_url
    return wire.message(
        payments_pb2.Payment,
        payment,
        amount=wire.money(payment.money(payment.amount_minor)),
        sca_exemption=payment.exemption.value,
        next_action=next_action_pb(url) if url else None,
        decline=payment.decline and _decline_pb(payment.decline),
        refunds=(),
        disputes=(),
    )


def _decline_pb(decline: Declined) -> payments_pb2.Decline:
    advice = _ADVICE[retry.ADVICE[decline.code]]
    return wire.message(payments_pb2.Decline, decline, advice=advice)


def next_action_pb(url: str) -> payments_pb2.NextAction:
    return payments_pb2.NextAction(type="redirect", url=url)


def refund_pb(refund: Refund) -> payments_pb2.Refund:
    return wire.message(payments_pb2.Refund, refund, made_at_psp=refund.elsewhere)


def dispute_pb(dispute: Dispute) -> payments_pb2.Dispute:
    return wire.message(payments_pb2.Dispute, dispute)


def duplicate_found(
    first: Payment, second: Payment, policy: DuplicatePolicy
) -> events_pb2.PaymentDuplicateFound:
    """A refused second payment was never created: it has no id to show."""
    return events_pb2.PaymentDuplicateFound(
        payment=_without_parts(first),
        duplicate=None if policy is DuplicatePolicy.REFUSE else _without_parts(second),
        amount=wire.money(second.money(second.amount_minor)),
        method=second.method,
        duplicate_orders=POLICIES[policy],
    )


def card_testing_alarms(
    merchant_id: str,
    subjects: Sequence[LimitedSubject],
    at: datetime,
    payment: Payment | None = None,
) -> Sequence[NewEvent]:
    """One alarm per subject, to be published if the subject has used up its declines. `payment` was declined last;
    None if saving a card was.
    """
    last = None if payment is None else _without_parts(payment)
    alarms = {
        limited.subject: events_pb2.CardTestingSuspected(
            kind=kind_of(limited.subject),
            reference=name_of(limited.subject) or None,
            declines=limited.limit.declines,
            window_seconds=int(limited.limit.window.total_seconds()),
            payment=last,
        )
        for limited in subjects
    }
    subject_of = descriptors.subject_of
    return [
        NewEvent(merchant_id, subject, subject_of(alarm), alarm.SerializeToString(), at)
        for subject, alarm in alarms.items()
    ]


def psp_account_created(account: Placed, at: datetime) -> NewEvent:
    shown = wire.message(payments_pb2.PspAccount, account)
    return outbox.event_of(account, events_pb2.PspAccountCreated(psp_account=shown), at)


def settled_by_hand(
    payment: Payment, attempt: Attempt, found: Found
) -> events_pb2.PaymentSettledByHand:
    """The operator and the note are not published."""
    return events_pb2.PaymentSettledByHand(
        payment=_without_parts(payment),
        attempt_id=attempt.id,
        kind=attempt.kind.value,
        amount_minor=attempt.amount_minor,
        outcome=found.value,
    )


def _subject(fact: Fact) -> str:
    noun, _, verb = fact.value.partition("_")
    name = f"{noun}.{verb}" if noun == "dispute" else f"payment.{fact.value}"
    return f"incasso.payments.{name}"


_MESSAGES: Final = descriptors.messages_of(events_pb2)
_EVENTS: Final = {fact: _MESSAGES[_subject(fact)] for fact in Fact}


def _of(things: Any, happened: Happened) -> Any:
    return next(thing for thing in things if thing.id == happened.subject_id)


def _event(pb: payments_pb2.Payment, payment: Payment, happened: Happened) -> Message:
    """The event's message, with a value for each of its fields."""
    message: Any = _EVENTS[happened.fact](payment=pb)
    fields = message.DESCRIPTOR.fields_by_name
    if "refund" in fields:
        message.refund.CopyFrom(refund_pb(_of(payment.refunds, happened)))
        message.payment.refunds.append(message.refund)
    if "dispute" in fields:
        message.dispute.CopyFrom(dispute_pb(_of(payment.disputes, happened)))
        message.payment.disputes.append(message.dispute)
    if "previous" in fields and happened.previous is not None:
        message.previous.CopyFrom(dispute_pb(happened.previous))
    if "had_succeeded" in fields:
        message.had_succeeded = happened.had_succeeded
    if "amount_minor" in fields:
        message.amount_minor = happened.amount_minor
    if "previous_minor" in fields:
        message.previous_minor = happened.amount_minor
    if "psp_reference" in fields:
        message.psp_reference = happened.psp_reference
    made: Message = message
    return made


class PaymentMessages:
    """One payment as protobuf, created when first needed: for its events and its answer."""

    def __init__(self, payment: Payment) -> None:
        self.payment = payment

    @cached_property
    def _pb(self) -> payments_pb2.Payment:
        return _without_parts(self.payment)

    def event(self, happened: Happened) -> Message:
        """An event of the payment. It contains only the refund or dispute concerned, so that it
        cannot grow without limit.
        """
        return _event(self._pb, self.payment, happened)

    @cached_property
    def answer(self) -> bytes:
        """As returned by a call, and as stored with an idempotency key."""
        return payment_pb(self.payment).SerializeToString()


# Personal data, or texts written by a person.
PERSONAL: Final[erasing.Personal] = {
    "incasso.payments.v1.Payment": ("metadata", "next_action"),
    "incasso.payments.v1.Refund": ("reason",),
}


def event_left(subject: str, body: bytes) -> bytes:
    """A logged event after its customer was erased."""
    return erasing.event_left(subject, body, PERSONAL)


def answer_left(answer: bytes) -> bytes:
    """A stored answer after its customer was erased."""
    return erasing.clear(payments_pb2.Payment.FromString(answer), PERSONAL)
