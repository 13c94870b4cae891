"""When a message is retried. Always in real time: mail servers ignore test clocks."""

from datetime import datetime, timedelta
from typing import Final

BACKOFF: Final = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
)
GIVE_UP: Final = timedelta(hours=24)  # after it was queued
# A worker has this long from claiming a message to handing it over: six SMTP replies of 30 s.
LEASE: Final = timedelta(minutes=5)
# And this long from then to the reply: 10 minutes after the end of DATA (RFC 5321 4.5.3.2.6).
HAND_OVER_LEASE: Final = timedelta(minutes=12)
# A provider is asked about a lost message after this time, so that anything in transit has arrived.
ASK: Final = timedelta(seconds=30)
# Seconds between attempts to record an outcome: all before its lease ends.
RECORD_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
# Older confirmations are not sent, e.g. when a new consumer reads the stream from its start.
STALE: Final = timedelta(days=3)


def next_try(
    *, attempts: int, queued_at: datetime, now: datetime, after_seconds: float | None = None
) -> datetime | None:
    """When to retry after `attempts` attempts; None to give up."""
    if now - queued_at >= GIVE_UP:
        return None
    pause = BACKOFF[min(max(attempts, 1), len(BACKOFF)) - 1]
    if after_seconds is not None:
        pause = max(min(timedelta(seconds=after_seconds), GIVE_UP), timedelta(seconds=1))
    return min(now + pause, queued_at + GIVE_UP)
