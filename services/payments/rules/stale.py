"""PSP reports that can no longer change anything. Pure."""

from collections.abc import Sequence
from typing import Final

from services.payments.rules.outcomes import Approved, Declined, Outcome
from services.payments.rules.states import ATTEMPT_SETTLED, AttemptKind, AttemptState, State

# The money was captured and stays the payment's: it can be neither captured again nor undone.
CAPTURED_STATES: Final = frozenset({State.CAPTURED, State.PARTIALLY_REFUNDED, State.REFUNDED})


def is_stale(
    kind: AttemptKind, state: AttemptState, payment_state: State, outcome: Outcome
) -> bool:
    """Whether it can never change anything, so that no lock is needed to decide this.

    A settled attempt does not change, except that a PSP may capture what it held, approve after a
    no, reverse a refund, or turn out to have made one that was given up.
    """
    if state not in ATTEMPT_SETTLED:
        return False
    match kind, state, outcome:
        case AttemptKind.AUTHORISE, AttemptState.APPROVED, Approved(captured=True):
            return payment_state in CAPTURED_STATES
        case AttemptKind.REFUND, AttemptState.APPROVED, Declined():
            return False
        case _, AttemptState.DECLINED, Approved():
            return False
        case _:
            return True


def standings(kind: AttemptKind, outcome: Outcome) -> Sequence[tuple[AttemptState, State]]:
    """The states of attempt and payment in which the report is stale."""
    return [
        (state, payment_state)
        for state in ATTEMPT_SETTLED
        for payment_state in State
        if is_stale(kind, state, payment_state, outcome)
    ]
