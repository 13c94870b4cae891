"""Maps Stripe's events to notices. Pure.

Covers every event about money that we act on; PaymentIntents report authorisation, capture and
cancellation, Refunds and Disputes report themselves. Actions in Stripe's dashboard send the same
events, without our key.
"""

from datetime import datetime
from typing import Final

from services.payments.connectors.base import (
    DisputeNotice,
    Notice,
    OperationNotice,
    OtherNotice,
    moment,
)
from services.payments.connectors.stripe import mapping
from services.payments.connectors.stripe.amounts import from_stripe
from services.payments.connectors.stripe.mapping import Json
from services.payments.rules.outcomes import Approved, Outcome
from services.payments.rules.states import AttemptKind, DisputeState

REFUND_EVENTS: Final = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
)
CHARGE_EVENTS: Final = frozenset({"charge.captured", "charge.refunded"})
DISPUTE_EVENTS: Final = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
AUTHORISATION_EVENTS: Final = frozenset(
    {"payment_intent.payment_failed", "payment_intent.processing", "payment_intent.requires_action"}
)
# Inquiries (warning_…) withhold no money and are not disputes yet.
DISPUTE_STATES: Final = {
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "appeal_needs_response": DisputeState.OPEN,
    "appeal_under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    "prevented": DisputeState.WON,
}


def notice(event: Json) -> Notice:
    """Raises KeyError, TypeError or ValueError if it is not an event of Stripe."""
    event_id, kind = str(event["id"]), str(event["type"])
    data = event["data"]["object"]
    if kind.startswith("payment_intent."):
        return _intent(event_id, kind, data)
    if kind not in REFUND_EVENTS | CHARGE_EVENTS | DISPUTE_EVENTS:
        return OtherNotice(event_id, kind)
    told_at = moment(int(event["created"]))
    if kind in REFUND_EVENTS:
        return _refund(event_id, data, told_at)
    if kind in CHARGE_EVENTS:
        return _charge(event_id, kind, data, told_at)
    return _dispute(event_id, kind, data, told_at)


def _refund(event_id: str, refund: Json, told_at: datetime, *, charge_key: str = "") -> Notice:
    """Stripe names a refund's PaymentIntent only, unless the event is about the charge."""
    return OperationNotice(
        psp_event_id=event_id,
        key=mapping.attempt_of(refund),
        kind=AttemptKind.REFUND,
        psp_reference=str(refund.get("payment_intent") or ""),
        outcome=mapping.refund(refund),
        operation_reference=str(refund["id"]),
        charge_key=charge_key,
        amount_minor=from_stripe(int(refund["amount"]), str(refund["currency"])),
        told_at=told_at,
    )


def _charge(event_id: str, kind: str, charge: Json, told_at: datetime) -> Notice:
    """A PaymentIntent's charge. It contains its newest refund if the API version lists refunds;
    refund events report the same.
    """
    intent, charge_key = str(charge.get("payment_intent") or ""), mapping.attempt_of(charge)
    if kind == "charge.captured" and intent:
        amount = from_stripe(int(charge["amount_captured"]), str(charge["currency"]))
        return OperationNotice(
            event_id,
            "",
            AttemptKind.CAPTURE,
            intent,
            Approved(intent, amount),
            charge_key=charge_key,
            amount_minor=amount,
        )
    listed = (charge.get("refunds") or {}).get("data") or []
    if kind == "charge.refunded" and intent and listed:
        refund = {**listed[0], "payment_intent": intent}
        return _refund(event_id, refund, told_at, charge_key=charge_key)
    return OtherNotice(event_id, kind)


def _intent(event_id: str, kind: str, intent: Json) -> Notice:
    """A capture or cancellation, ours or not, is identified only by its PaymentIntent."""
    reference, attempt = str(intent["id"]), mapping.attempt_of(intent)
    amount = from_stripe(int(intent["amount"]), str(intent["currency"]))
    outcome: Outcome
    if kind == "payment_intent.canceled":
        outcome = mapping.settled(mapping.cancellation(intent, amount))
        return OperationNotice(
            event_id, "", AttemptKind.CANCEL, reference, outcome, charge_key=attempt
        )
    if kind == "payment_intent.succeeded" and intent.get("capture_method") == "manual":
        taken = from_stripe(int(intent["amount_received"]), str(intent["currency"]))
        outcome = mapping.settled(mapping.capture(intent))
        return OperationNotice(
            event_id,
            "",
            AttemptKind.CAPTURE,
            reference,
            outcome,
            charge_key=attempt,
            amount_minor=taken,
        )
    held = kind == "payment_intent.amount_capturable_updated" and intent["amount_capturable"]
    if held or kind == "payment_intent.succeeded" or kind in AUTHORISATION_EVENTS:
        outcome = mapping.authorisation(intent)
        return OperationNotice(event_id, attempt, AttemptKind.AUTHORISE, reference, outcome)
    return OtherNotice(event_id, kind)


def _dispute(event_id: str, kind: str, dispute: Json, told_at: datetime) -> Notice:
    state = DISPUTE_STATES.get(str(dispute["status"]))
    if state is None:
        return OtherNotice(event_id, kind)
    return DisputeNotice(
        psp_event_id=event_id,
        dispute_reference=str(dispute["id"]),
        psp_reference=str(dispute.get("payment_intent") or ""),
        amount_minor=from_stripe(int(dispute["amount"]), str(dispute["currency"])),
        state=state,
        reason=str(dispute.get("reason") or ""),
        told_at=told_at,
    )
