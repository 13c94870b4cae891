"""What an operator's finding about an unresolved attempt means. Pure.

The operator has checked at the PSP; the finding counts as the PSP's answer.
"""

from enum import Enum
from typing import Final

from services.payments.errors import AttemptNotUnresolved, AttemptSettledOtherwise
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.outcomes import Approved, DeclineCode, Declined
from services.payments.rules.states import AttemptKind, CaptureMode


class Found(Enum):
    """What was found at the PSP."""

    DONE = "done"
    NOT_DONE = "not_done"


PSP_CODE: Final = "settled_by_hand"


def check(attempt: Attempt, found: Found, before: Found | None) -> bool:
    """Whether it still has to be settled: not if the same was recorded before. Raises
    AttemptNotUnresolved and AttemptSettledOtherwise. `before`: an operator's earlier finding.
    """
    if before is not None:
        if before is not found:
            raise AttemptSettledOtherwise
        return False
    if not attempt.unresolved:
        raise AttemptNotUnresolved
    return True


def outcome_of(
    payment: Payment, attempt: Attempt, found: Found, psp_reference: str
) -> Approved | Declined:
    if found is Found.NOT_DONE:
        unavailable = attempt.kind is AttemptKind.AUTHORISE
        return Declined(
            DeclineCode.PSP_UNAVAILABLE if unavailable else DeclineCode.REQUEST_REFUSED,
            "An operator found at the payment provider that it was not done.",
            psp_code=PSP_CODE,
        )
    captured = attempt.kind is AttemptKind.AUTHORISE and payment.capture is CaptureMode.NOW
    return Approved(psp_reference or attempt.psp_reference, attempt.amount_minor, captured=captured)
