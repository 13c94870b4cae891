"""Rows to dataclasses and back. No SQL."""

from datetime import datetime
from typing import Any

from libs.db import Row
from services.payments.rules.domain import (
    Attempt,
    Candidate,
    Dispute,
    Payment,
    Refund,
    RefundState,
)
from services.payments.rules.outcomes import DeclineCode, Declined
from services.payments.rules.states import (
    ATTEMPT_SETTLED,
    AttemptKind,
    AttemptState,
    CaptureMode,
    DisputeState,
    Exemption,
    Initiator,
    State,
)

_SAME = (
    "merchant_id",
    "id",
    "amount_minor",
    "currency",
    "order_reference",
    "order_part",
    "duplicate_of",
    "method",
    "created_at",
    "capturable_minor",
    "authorised_minor",
    "capturing_minor",
    "captured_minor",
    "refunding_minor",
    "refunded_minor",
    "version",
    "capture_at",
    "due_at",
    "challenged_at",
    "customer_id",
    "instrument_id",
    "mandate_reference",
    "return_url",
    "description",
    "metadata",
    "trace_id",
    "traceparent",
    "actor",
    "caller",
    "caller_key",
    "psp_account_id",
    "psp_account",
    "psp_reference",
    "next_action_url",
)


def payment_of(row: Row) -> Payment:
    """Of a row with its refunds and disputes as lists."""
    return Payment(
        state=State(row["state"]),
        capture=CaptureMode(row["capture"]),
        initiator=Initiator(row["initiator"]),
        exemption=Exemption(row["exemption"]),
        velocity_subjects=tuple(row["velocity_subjects"]),
        candidates=tuple(candidate_of(entry) for entry in row["candidates"]),
        decline=decline_of(row["decline"]),
        refunds=tuple(refund_of(entry) for entry in row["refunds"]),
        disputes=tuple(dispute_of(entry) for entry in row["disputes"]),
        **{name: row[name] for name in _SAME},
    )


def candidate_of(entry: dict[str, Any]) -> Candidate:
    return Candidate(**{**entry, "exemption": Exemption(entry["exemption"])})


def candidate_json(candidate: Candidate) -> dict[str, str]:
    return {
        "psp_account_id": candidate.psp_account_id,
        "psp_account": candidate.psp_account,
        "psp": candidate.psp,
        "token": candidate.token,
        "psp_customer": candidate.psp_customer,
        "exemption": candidate.exemption.value,
    }


def decline_of(entry: dict[str, Any] | None) -> Declined | None:
    return Declined(**{**entry, "code": DeclineCode(entry["code"])}) if entry else None


def decline_json(decline: Declined | None) -> dict[str, str] | None:
    if decline is None:
        return None
    return {
        "code": decline.code.value,
        "message": decline.message,
        "psp_code": decline.psp_code,
        "psp_reference": decline.psp_reference,
    }


def refund_of(entry: dict[str, Any]) -> Refund:
    return Refund(
        id=entry["id"],
        state=refund_state_of(AttemptState(entry["state"])),
        amount_minor=entry["amount_minor"],
        reason=entry["reason"],
        created_at=datetime.fromisoformat(entry["created_at"]),
        psp_reference=entry["psp_reference"],
        elsewhere=entry["elsewhere"],
    )


def refund_state_of(state: AttemptState) -> RefundState:
    """A refund is its attempt, as the shop sees it."""
    if state not in ATTEMPT_SETTLED:
        return RefundState.PROCESSING
    return RefundState.SUCCEEDED if state is AttemptState.APPROVED else RefundState.FAILED


def dispute_of(entry: Any) -> Dispute:
    """Of a row, or of its JSON."""
    return Dispute(
        id=entry["id"],
        merchant_id=entry["merchant_id"],
        payment_id=entry["payment_id"],
        state=DisputeState(entry["state"]),
        amount_minor=entry["amount_minor"],
        currency=entry["currency"],
        reason=entry["reason"],
        psp_reference=entry["psp_reference"],
        created_at=_time_of(entry["created_at"]),
        told_at=_time_of(entry["told_at"]),
    )


def _time_of(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def attempt_of(row: Row) -> Attempt:
    return Attempt(
        merchant_id=row["merchant_id"],
        id=row["id"],
        payment_id=row["payment_id"],
        kind=AttemptKind(row["kind"]),
        psp_account_id=row["psp_account_id"],
        amount_minor=row["amount_minor"],
        created_at=row["created_at"],
        state=AttemptState(row["state"]),
        token=row["token"],
        psp_customer=row["psp_customer"],
        exemption=Exemption(row["exemption"]),
        force_challenge=row["force_challenge"],
        reason=row["reason"],
        psp_reference=row["psp_reference"],
        decline=decline_of(row["decline"]),
        recovery_tries=row["recovery_tries"],
        settled_at=row["settled_at"],
        elsewhere=row["elsewhere"],
        charge_reference=row["charge_reference"],
        undoes=row["undoes"],
        watched=row["next_recovery_at"] is not None,
        unresolved=row["unresolved_since"] is not None,
    )
