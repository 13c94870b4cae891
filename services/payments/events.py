"""Payments as protobuf: in answers and in events."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message

from incasso.payments.v1 import events_pb2, payments_pb2
from libs import wire
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
from services.payments.rules.states import CaptureMode, State
from services.payments.rules.velocity import Judged, kind_of, name_of

_STATES: Final = wire.numbers(State, payments_pb2.Payment.State)
_CAPTURES: Final = wire.numbers(CaptureMode, payments_pb2.CaptureMode)
POLICIES: Final = wire.numbers(DuplicatePolicy, payments_pb2.PaymentPolicy.DuplicateOrders)


def payment_pb(payment: Payment) -> payments_pb2.Payment:
    """For an answer: with the latest of its refunds, and its disputes."""
    message = _without_parts(payment)
    message.refunds.extend(refund_pb(refund) for refund in payment.refunds[-MOST_REFUNDS:])
    message.disputes.extend(dispute_pb(dispute) for dispute in payment.disputes)
    return message


def _without_parts(payment: Payment) -> payments_pb2.Payment:
    message = payments_pb2.Payment(
        id=payment.id,
        state=_STATES[payment.state],
        amount=wire.money(payment.money(payment.amount_minor)),
        capturable_minor=payment.capturable_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        capture=_CAPTURES[payment.capture],
        order_reference=payment.order_reference,
        order_part=payment.order_part or None,
        duplicate_of=payment.duplicate_of or None,
        caller_key=payment.caller_key or None,
        method=payment.method,
        customer_id=payment.customer_id or None,
        instrument_id=payment.instrument_id or None,
        psp_account=payment.psp_account or None,
        psp_reference=payment.psp_reference or None,
        metadata=payment.metadata,
        trace_id=payment.trace_id,
        created_at=wire.timestamp(payment.created_at),
        sca_exemption=payment.exemption.value,
    )
    if payment.capture_at is not None:
        message.capture_at.CopyFrom(wire.timestamp(payment.capture_at))
    if payment.next_action_url:
        message.next_action.CopyFrom(next_action_pb(payment.next_action_url))
    if payment.decline is not None:
        message.decline.CopyFrom(decline_pb(payment.decline))
    return message


def next_action_pb(url: str) -> payments_pb2.NextAction:
    return payments_pb2.NextAction(type="redirect", url=url)


def decline_pb(decline: Declined) -> payments_pb2.Decline:
    return wire.message(payments_pb2.Decline, decline)


def refund_pb(refund: Refund) -> payments_pb2.Refund:
    return wire.message(payments_pb2.Refund, refund, made_at_psp=refund.elsewhere)


def dispute_pb(dispute: Dispute) -> payments_pb2.Dispute:
    return wire.message(payments_pb2.Dispute, dispute)


def duplicate_found(first: Payment, second: Payment, policy: DuplicatePolicy) -> tuple[str, bytes]:
    """Subject and body. A second payment that was refused was never made: it has no id to show."""
    message = events_pb2.PaymentDuplicateFound(
        payment=_without_parts(first),
        duplicate=None if policy is DuplicatePolicy.REFUSE else _without_parts(second),
        amount=wire.money(second.money(second.amount_minor)),
        method=second.method,
        duplicate_orders=POLICIES[policy],
    )
    return "incasso.payments.payment.duplicate_found", message.SerializeToString()


def card_testing_suspected(judged: Judged, payment: Payment | None = None) -> tuple[str, bytes]:
    """Subject and body. `payment` is the last one that was declined, if it was one."""
    message = events_pb2.CardTestingSuspected(
        kind=kind_of(judged.subject),
        reference=name_of(judged.subject) or None,
        declines=judged.limit.declines,
        window_seconds=int(judged.limit.window.total_seconds()),
        payment=None if payment is None else _without_parts(payment),
    )
    return "incasso.payments.card_testing.suspected", message.SerializeToString()


def settled_by_hand(payment: Payment, attempt: Attempt, found: Found) -> tuple[str, bytes]:
    """Subject and body. Who did it and why stays with us."""
    message = events_pb2.PaymentSettledByHand(
        payment=_without_parts(payment),
        attempt_id=attempt.id,
        kind=attempt.kind.value,
        amount_minor=attempt.amount_minor,
        outcome=found.value,
    )
    return "incasso.payments.payment.settled_by_hand", message.SerializeToString()


Builder: TypeAlias = Callable[[payments_pb2.Payment, Payment, Happened], Message]


def _plain(message: Callable[..., Message]) -> Builder:
    return lambda pb, _, __: message(payment=pb)


def _amount(message: Callable[..., Message]) -> Builder:
    return lambda pb, _, happened: message(payment=pb, amount_minor=happened.amount_minor)


def _previous(message: Callable[..., Message]) -> Builder:
    return lambda pb, _, happened: message(payment=pb, previous_minor=happened.amount_minor)


def _refund(message: Callable[..., Message]) -> Builder:
    def build(pb: payments_pb2.Payment, payment: Payment, happened: Happened) -> Message:
        refund = refund_pb(_of(payment.refunds, happened))
        return message(payment=_with(pb, refunds=[refund]), refund=refund)

    return build


def _late(message: Callable[..., Message]) -> Builder:
    return lambda pb, _, happened: message(
        payment=pb, amount_minor=happened.amount_minor, psp_reference=happened.psp_reference
    )


def _dispute(message: Callable[..., Message]) -> Builder:
    def build(pb: payments_pb2.Payment, payment: Payment, happened: Happened) -> Message:
        dispute = dispute_pb(_of(payment.disputes, happened))
        return message(payment=_with(pb, disputes=[dispute]), dispute=dispute)

    return build


def _of(things: Any, happened: Happened) -> Any:
    return next(thing for thing in things if thing.id == happened.subject_id)


def _with(payment: payments_pb2.Payment, **parts: Any) -> payments_pb2.Payment:
    copy = payments_pb2.Payment(**parts)
    copy.MergeFrom(payment)
    return copy


_EVENTS: Final[Mapping[Fact, tuple[str, Builder]]] = {
    Fact.ACTION_REQUIRED: ("payment.action_required", _plain(events_pb2.PaymentActionRequired)),
    Fact.PENDING: ("payment.pending", _plain(events_pb2.PaymentPending)),
    Fact.AUTHORISED: ("payment.authorised", _plain(events_pb2.PaymentAuthorised)),
    Fact.CAPTURED: ("payment.captured", _amount(events_pb2.PaymentCaptured)),
    Fact.LOWERED: ("payment.lowered", _previous(events_pb2.PaymentLowered)),
    Fact.CAPTURE_FAILED: ("payment.capture_failed", _amount(events_pb2.PaymentCaptureFailed)),
    Fact.DECLINED: ("payment.declined", _plain(events_pb2.PaymentDeclined)),
    Fact.CANCELLED: ("payment.cancelled", _plain(events_pb2.PaymentCancelled)),
    Fact.REFUNDED: ("payment.refunded", _refund(events_pb2.PaymentRefunded)),
    Fact.REFUND_FAILED: ("payment.refund_failed", _refund(events_pb2.PaymentRefundFailed)),
    Fact.LATE_APPROVAL: ("payment.late_approval", _late(events_pb2.PaymentLateApproval)),
    Fact.LATE_APPROVAL_UNDONE: (
        "payment.late_approval_undone",
        _late(events_pb2.PaymentLateApprovalUndone),
    ),
    Fact.DISPUTE_OPENED: ("dispute.opened", _dispute(events_pb2.DisputeOpened)),
    Fact.DISPUTE_UPDATED: ("dispute.updated", _dispute(events_pb2.DisputeUpdated)),
    Fact.DISPUTE_CLOSED: ("dispute.closed", _dispute(events_pb2.DisputeClosed)),
}


class Told:
    """One payment as protobuf, made when it is first needed: for its events and its answer."""

    def __init__(self, payment: Payment) -> None:
        self._payment = payment

    @cached_property
    def _pb(self) -> payments_pb2.Payment:
        return _without_parts(self._payment)

    def event(self, happened: Happened) -> tuple[str, bytes]:
        """Subject and body of what happened to the payment. An event has the refund or dispute that
        it is about, not all: it would grow without end.
        """
        noun_and_verb, build = _EVENTS[happened.fact]
        body = build(self._pb, self._payment, happened).SerializeToString()
        return f"incasso.payments.{noun_and_verb}", body

    def answer(self) -> bytes:
        """As it is kept with an idempotency key."""
        return payment_pb(self._payment).SerializeToString()
