"""Finds what an attempt may have created at Stripe although its answer never came.

Stripe has no look-up by idempotency key and its search lags behind; its lists do not. Our ids
contain their creation time, so a list of that time, or of the customer, contains the attempt if
there is one. Pure.
"""

from typing import Final

from libs import ids
from services.payments.rules.states import AttemptKind

CLOCK_SKEW_SECONDS: Final = 60
# How long an attempt's call may still be repeated: see the recovery flows.
REPEATED_WITHIN_SECONDS: Final = {AttemptKind.AUTHORISE: 1800, AttemptKind.REFUND: 86_400}
# Stripe's time limit for a request: a more recent one may still be running, unseen in any list.
AT_WORK_SECONDS: Final = 90
# Maximum number of objects read before the outcome stays open.
MOST_READ: Final = 5000
RANDOM_BITS = 80  # of a UUIDv7, below its milliseconds


def made_at(key: str) -> float | None:
    """The Unix time in one of our ids; None for other strings."""
    prefix, _, digits = key.partition("_")
    if not ids.is_id(key, prefix):
        return None
    number = 0
    for digit in digits:
        number = number << 5 | ids.ALPHABET.index(digit)
    return (number >> RANDOM_BITS) / 1000


def period(kind: AttemptKind, made: float) -> tuple[int, int]:
    """(since, until) in which the object of an attempt must have been created."""
    until = made + REPEATED_WITHIN_SECONDS[kind] + CLOCK_SKEW_SECONDS
    return int(made - CLOCK_SKEW_SECONDS), int(until)


def may_be_at_work(key: str, now: float) -> bool:
    made = made_at(key)
    return made is None or now - made < AT_WORK_SECONDS
