"""Operations that others make at the PSP on our charges, e.g. in its console. Pure.

They are booked as separate operations, with the PSP's amount: what the PSP says is true. They never
affect our own operations, which have their own outcomes.
"""

from dataclasses import dataclass
from datetime import datetime

from services.payments.rules import refunding
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.outcomes import Approved, Declined, Pending
from services.payments.rules.states import (
    ATTEMPT_INITIAL,
    ATTEMPT_SETTLED,
    ATTEMPT_TRANSITIONS,
    FINAL,
    Answer,
    AttemptKind,
    AttemptState,
)
from services.payments.rules.transitions import Change, released, taken


@dataclass(frozen=True, slots=True)
class ExternalOperation:
    """An operation without our key, with the PSP's references."""

    kind: AttemptKind
    psp_reference: str  # its own
    charge_reference: str
    amount_minor: int
    outcome: Approved | Declined | Pending


def is_current_charge(payment: Payment, charge: Attempt) -> bool:
    """Whether the charge holds the payment's money. A late approval's charge does not."""
    return charge.state is not AttemptState.DECLINED and payment.state not in FINAL


def recorded(
    payment: Payment, charge: Attempt, foreign: ExternalOperation, *, attempt_id: str, now: datetime
) -> Change:
    """`charge`: the authorisation of the charge concerned."""
    own = is_current_charge(payment, charge)
    attempt = _attempt(charge, foreign, own=own, attempt_id=attempt_id, now=now)
    if foreign.kind is AttemptKind.REFUND:
        if not own:
            return Change(payment, attempt)
        after, happened = refunding.with_outcome(payment, attempt, foreign.outcome)
        return Change(after, attempt, happened)
    if not isinstance(foreign.outcome, Approved):
        return Change(payment, attempt, changed=False)
    if foreign.kind is AttemptKind.CAPTURE:
        if not own:
            return Change(payment, attempt, recheck=True)
        return taken(payment, attempt, min(attempt.amount_minor, payment.amount_minor))
    return released(payment, attempt) if own else Change(payment, attempt)


def _attempt(
    charge: Attempt, foreign: ExternalOperation, *, own: bool, attempt_id: str, now: datetime
) -> Attempt:
    match foreign.outcome:
        case Approved():
            answer = Answer.APPROVED
        case Declined():
            answer = Answer.DECLINED
        case Pending():
            answer = Answer.PENDING
    state = ATTEMPT_TRANSITIONS[ATTEMPT_INITIAL, answer]
    return Attempt(
        merchant_id=charge.merchant_id,
        id=attempt_id,
        payment_id=charge.payment_id,
        kind=foreign.kind,
        psp_account_id=charge.psp_account_id,
        amount_minor=foreign.amount_minor or charge.amount_minor,
        created_at=now,
        state=state,
        psp_reference=foreign.psp_reference,
        decline=foreign.outcome if isinstance(foreign.outcome, Declined) else None,
        settled_at=now if state in ATTEMPT_SETTLED else None,
        elsewhere=True,
        charge_reference="" if own else foreign.charge_reference or charge.psp_reference,
    )
