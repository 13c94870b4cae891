"""Webhooks of the PSP double."""

import json

from services.payments.connectors.base import DisputeNotice, OperationNotice, OtherNotice, moment
from services.payments.rules.outcomes import Outcome
from services.payments.rules.states import AttemptKind, DisputeState

# A webhook's body is the number of a notice that the test has stored here.
NOTICES: dict[int, OperationNotice | DisputeNotice | OtherNotice] = {}


def webhook(notice: OperationNotice | DisputeNotice | OtherNotice) -> bytes:
    NOTICES[len(NOTICES) + 1] = notice
    return json.dumps({"number": len(NOTICES)}).encode()


def operation_notice(
    event: str, key: str, outcome: Outcome, kind: AttemptKind = AttemptKind.AUTHORISE
) -> OperationNotice:
    """A notice of one of our operations."""
    return OperationNotice(event, key, kind, getattr(outcome, "psp_reference", ""), outcome)


def external_notice(
    event: str,
    kind: AttemptKind,
    charge: str,
    outcome: Outcome,
    *,
    reference: str = "",
    amount_minor: int = 0,
    key: str = "",
    charge_key: str = "",
    at: float = 0,
) -> OperationNotice:
    """A notice of an operation made by others on the charge with this reference (or key)."""
    return OperationNotice(
        event,
        key,
        kind,
        charge,
        outcome,
        operation_reference=reference,
        charge_key=charge_key,
        amount_minor=amount_minor,
        told_at=moment(at),
    )


def dispute(
    event: str,
    psp_reference: str,
    state: DisputeState,
    *,
    amount_minor: int = 5990,
    at: float = 0,
) -> DisputeNotice:
    return DisputeNotice(
        event, "dp_1", psp_reference, amount_minor, state, "fraudulent", moment(at)
    )
