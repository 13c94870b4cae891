"""When a webhook is retried: the schedule of Standard Webhooks. Pure.

In real time: a merchant's test clock advances events, not their delivery.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

# Delay of each attempt after the previous one; the first is made at once.
DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES: Final = len(DELAYS)
JITTER: Final = 0.1  # of the delay, either way
LONGEST_RETRY_AFTER: Final = timedelta(hours=24)
RETRY_AFTER_STATES: Final = frozenset({429, 503})  # HTTP statuses whose Retry-After counts


def next_delay(
    tries: int, *, spread: float, retry_after: timedelta | None = None
) -> timedelta | None:
    """How long to wait after `tries` attempts; None if that was the last.

    `spread` is -1 to 1. A longer delay requested by the endpoint counts, up to a day.
    """
    if tries >= TRIES:
        return None
    delay = DELAYS[tries] * (1 + JITTER * spread)
    if retry_after is None:
        return delay
    return max(delay, min(retry_after, LONGEST_RETRY_AFTER))


def retry_after_of(text: str, *, now: datetime) -> timedelta | None:
    """A Retry-After header: seconds or an HTTP date (RFC 9110, 10.2.3). None: neither."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError for numbers of dozens of digits
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(at - now, timedelta(0))
