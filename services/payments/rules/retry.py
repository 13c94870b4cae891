"""When to retry after a no, and when to ask a PSP that gave no answer."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Final, assert_never

from libs.payments.answer import Advice
from services.payments.rules.outcomes import DeclineCode
from services.payments.rules.states import AttemptKind, AttemptState

# An issuer's no stays a no at every PSP, unless it gives no reason; one caused by the PSP, or by the
# connection to it, may not.
ADVICE: Final[Mapping[DeclineCode, Advice]] = {
    DeclineCode.DO_NOT_HONOR: Advice.OTHER_PSP,
    DeclineCode.PSP_UNAVAILABLE: Advice.OTHER_PSP,
    DeclineCode.REQUEST_REFUSED: Advice.OTHER_PSP,
    DeclineCode.INSUFFICIENT_FUNDS: Advice.LATER,
    DeclineCode.CARD_EXPIRED: Advice.ASK_SHOPPER,
    DeclineCode.CARD_INVALID: Advice.ASK_SHOPPER,
    DeclineCode.AUTHENTICATION_FAILED: Advice.ASK_SHOPPER,
    DeclineCode.AUTHENTICATION_REQUIRED: Advice.ASK_SHOPPER,
    DeclineCode.CARD_BLOCKED: Advice.NEVER,
    DeclineCode.FRAUD_SUSPECTED: Advice.NEVER,
}

CALL_FOR: Final = timedelta(seconds=12)  # a PSP call cannot still be running after this
ASK_EVERY: Final = timedelta(seconds=3)  # however many shoppers and tabs return
CLOCK_SKEW: Final = timedelta(minutes=1)  # between a PSP and us
LEASE: Final = timedelta(seconds=25)  # of a recovery: a look-up, a repeat and a margin
DUE_LEASE: Final = timedelta(minutes=1)  # of a payment whose capture or end is due
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
CHALLENGE_PAUSE: Final = timedelta(minutes=3)
UNRESOLVED_AFTER: Final = timedelta(hours=24)
AUTHORISE_REPEATABLE_FOR: Final = timedelta(minutes=15)  # then the shopper has left
REPEATABLE_FOR: Final = timedelta(hours=23)  # PSPs keep idempotency keys for 24 hours


def may_fail_over(code: DeclineCode) -> bool:
    """Whether another PSP account may be tried at once."""
    return ADVICE[code] is Advice.OTHER_PSP


def pause(tries: int) -> timedelta:
    """Backoff of 5 s, doubled with each attempt, up to an hour. `tries` is the number of earlier
    attempts.
    """
    return min(FIRST_PAUSE * (1 << min(max(tries - 1, 0), 20)), LONGEST_PAUSE)


def ask_again_in(state: AttemptState, tries: int) -> timedelta | None:
    """When recovery asks the PSP about an attempt; None if it is settled."""
    match state:
        case AttemptState.STARTED:
            return CALL_FOR
        case AttemptState.UNKNOWN:
            return pause(tries)
        case AttemptState.ACTION_REQUIRED:
            return CHALLENGE_PAUSE
        case AttemptState.PENDING:
            return LONGEST_PAUSE
        case AttemptState.APPROVED | AttemptState.DECLINED:
            return None
        case _:
            assert_never(state)


class WhenUnknown(Enum):
    """What to do with an attempt that the PSP certainly does not know."""

    REPEAT = "repeat"  # the same call with the same key
    GIVE_UP = "give_up"  # nothing was charged: settle as declined
    WAIT = "wait"  # the PSP may have dropped the key: a person must look


def when_not_found(kind: AttemptKind, state: AttemptState, age: timedelta) -> WhenUnknown:
    """Rule for NotFound from a look-up."""
    if state not in {AttemptState.STARTED, AttemptState.UNKNOWN}:
        return WhenUnknown.WAIT  # the PSP knew it before
    if kind is AttemptKind.AUTHORISE:
        return WhenUnknown.REPEAT if age <= AUTHORISE_REPEATABLE_FOR else WhenUnknown.GIVE_UP
    return WhenUnknown.REPEAT if age <= REPEATABLE_FOR else WhenUnknown.WAIT
