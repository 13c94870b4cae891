"""Stripe's events as notices. Pure.

Every event of money moving that we act on is here; PaymentIntents tell about authorisation,
capture and cancellation, Refunds and Disputes about themselves.
"""

from typing import Final

from services.payments.connectors.base import (
    AttemptKind,
    DisputeNotice,
    DisputeState,
    Notice,
    OperationNotice,
    OtherNotice,
)
from services.payments.connectors.stripe import mapping
from services.payments.connectors.stripe.amounts import from_stripe
from services.payments.connectors.stripe.mapping import Json
from services.payments.outcomes import Outcome

REFUND_EVENTS: Final = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
)
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
    {
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
    }
)
# Inquiries (warning_…) hold no money and are not disputes yet.
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
    """KeyError, TypeError or ValueError when it is not an event of Stripe."""
    event_id, kind = str(event["id"]), str(event["type"])
    told = event["data"]["object"]
    if kind.startswith("payment_intent."):
        return _intent(event_id, kind, told)
    if kind in REFUND_EVENTS:
        reference = str(told.get("payment_intent") or "")
        return OperationNotice(
            event_id,
            mapping.attempt_of(told),
            AttemptKind.REFUND,
            reference,
            mapping.refund(told),
        )
    if kind in DISPUTE_EVENTS:
        return _dispute(event_id, kind, told)
    return OtherNotice(event_id, kind)


def _intent(event_id: str, kind: str, intent: Json) -> Notice:
    """A capture or cancellation does not repeat our key: reference and kind find it."""
    reference, attempt = str(intent["id"]), mapping.attempt_of(intent)
    outcome: Outcome
    if kind == "payment_intent.canceled":
        amount = from_stripe(int(intent["amount"]), str(intent["currency"]))
        outcome = mapping.settled(mapping.cancellation(intent, amount))
        return OperationNotice(event_id, "", AttemptKind.CANCEL, reference, outcome)
    if kind == "payment_intent.succeeded" and intent.get("capture_method") == "manual":
        outcome = mapping.settled(mapping.capture(intent))
        return OperationNotice(event_id, "", AttemptKind.CAPTURE, reference, outcome)
    held = kind == "payment_intent.amount_capturable_updated" and intent["amount_capturable"]
    if held or kind == "payment_intent.succeeded" or kind in AUTHORISATION_EVENTS:
        outcome = mapping.authorisation(intent)
        return OperationNotice(event_id, attempt, AttemptKind.AUTHORISE, reference, outcome)
    return OtherNotice(event_id, kind)


def _dispute(event_id: str, kind: str, dispute: Json) -> Notice:
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
    )
