"""Late approvals: a PSP approves a charge that was declined, given up or cancelled. Pure.

Such money is never the payment's: the shopper saw a decline and may have paid another way. It is
released if it is held and refunded if it was captured, by a separate attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from services.payments.rules import external_operations
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    Declined,
    NotFound,
    Outcome,
    Pending,
)
from services.payments.rules.states import AttemptKind, AttemptState


class Recheck(Enum):
    """The result of a recheck, if there is nothing to undo now."""

    DONE = "done"  # the PSP holds no money that is not the payment's
    AGAIN = "again"  # unknown, or already being undone


@dataclass(frozen=True, slots=True)
class Undoing:
    """The attempt that releases or refunds the money, to be written and then sent."""

    attempt: Attempt


def decide(
    payment: Payment,
    charge: Attempt,
    outcome: Outcome | NotFound,
    known: Sequence[Attempt],
    *,
    attempt_id: str,
    asked_at: datetime,
    now: datetime,
) -> Undoing | Recheck:
    """`outcome`: the charge's state at the PSP, looked up at `asked_at` or later. `known`: all
    captures, cancellations and refunds of the payment.
    """
    match outcome:
        case Declined() | ActionRequired() | Pending():
            return Recheck.DONE  # its outcome will be reported
        case Approved():
            pass
        case _:
            return Recheck.AGAIN
    if external_operations.is_current_charge(payment, charge):
        return Recheck.DONE
    kind = AttemptKind.REFUND if outcome.captured else AttemptKind.CANCEL
    # A refund reported before its payment ended was booked as the payment's.
    about = outcome.psp_reference
    mine = [a for a in known if payment.charge_of(a) == about and a.kind is kind]
    standing = [a for a in mine if a.state is not AttemptState.DECLINED]
    under_way = [a for a in standing if a.state is not AttemptState.APPROVED]
    left = outcome.amount_minor  # everything held, even if it is held again after a release
    if kind is AttemptKind.REFUND:
        left -= sum(a.amount_minor for a in standing)
    if left <= 0:
        return Recheck.AGAIN if under_way else Recheck.DONE
    if any(a.undoes == charge.id for a in under_way):
        return Recheck.AGAIN  # one at a time: its outcome decides what is left
    if any(a.settled_at is not None and a.settled_at >= asked_at for a in mine):
        return Recheck.AGAIN  # it ended during the look-up, which may show the earlier state
    attempt = Attempt(
        merchant_id=payment.merchant_id,
        id=attempt_id,
        payment_id=payment.id,
        kind=kind,
        psp_account_id=charge.psp_account_id,
        amount_minor=left,
        created_at=now,
        charge_reference=outcome.psp_reference,
        undoes=charge.id,
    )
    return Undoing(attempt)
