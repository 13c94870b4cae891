"""SQL of due messages, and of an attempt: claimed, marked before hand-over, ended.

A message is in due_messages while there is work to do on it. A transaction that changes both rows
writes the message first; the claim, which starts from due_messages, never waits for a lock. Every
statement of an attempt checks its number, so a worker whose lease expired changes nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from libs.db import Conn
from libs.queues import Claim, Queue, Room
from services.notify.messages.rules.domain import Channel, Message, State
from services.notify.messages.store.messages import MESSAGES


@dataclass(frozen=True, slots=True)
class Due:
    """A message to process. `doubtful`: it may have been handed over; find out, do not send."""

    message: Message
    doubtful: bool
    clock_offset_seconds: int

    @property
    def merchant_id(self) -> str:
        return self.message.merchant_id


_RETURNED = ", ".join(f"messages.{name}" for name in MESSAGES.columns)
_ONE_OF = "(due_messages.merchant_id, due_messages.id) = (one.merchant_id, one.id)"


@cache
def claim_of(channels: tuple[Channel, ...]) -> Claim:
    """Due messages on these channels; $4: how long each is leased."""
    names = ", ".join(f"'{channel.value}'" for channel in channels)
    queue = Queue(
        "due_messages",
        where=f"channel IN ({names}) AND (leased_until IS NULL OR leased_until <= now())",
        columns="merchant_id, id, due_at",
    )
    return queue.claim(f"""
, held AS (
    SELECT due.*, state = 'unknown' OR handing_over_at IS NOT NULL AS doubtful
    FROM due JOIN messages USING (merchant_id, id) FOR NO KEY UPDATE OF messages SKIP LOCKED
), leased AS (
    UPDATE due_messages SET leased_until = now() + $4::interval FROM held AS one WHERE {_ONE_OF}
), claimed AS (
    UPDATE messages SET state = CASE WHEN doubtful THEN state ELSE 'sending' END,
        attempts = attempts + CASE WHEN doubtful THEN 0 ELSE 1 END
    FROM held WHERE (messages.merchant_id, messages.id) = (held.merchant_id, held.id)
    RETURNING {_RETURNED}, held.due_at, doubtful
), begun AS (
    INSERT INTO message_attempts (merchant_id, message_id, number)
    SELECT merchant_id, id, attempts FROM claimed WHERE NOT doubtful
)
SELECT claimed.*, coalesce(extract(epoch FROM clock.clock_offset), 0)::bigint AS offset_seconds
FROM claimed LEFT JOIN test_clocks AS clock USING (merchant_id)""")  # noqa: S608 - made of constants


async def claim(
    conn: Conn, room: Room, *, channels: Sequence[Channel], lease: timedelta
) -> Sequence[Due]:
    """Begins an attempt for a due message, or a check of a doubtful one."""
    rows = await conn.fetch(claim_of(tuple(channels)).sql, *room.values, lease)
    return [Due(MESSAGES.read(row), row["doubtful"], row["offset_seconds"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Mark:
    """Marks an attempt before the hand-over. `message` includes its contact, which is saved along
    with the mark.
    """

    message: Message
    body_sha256: str
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends an attempt in state `to`. `message` includes its contact, which is saved as well."""

    message: Message
    to: State
    outcome: str
    error: str | None = None
    reference: str | None = None
    due_at: datetime | None = None
    sent_at: datetime | None = None


# The number identifies the attempt; the contact is saved unless the customer was erased meanwhile.
_ATTEMPT = (
    "merchant_id",
    "id",
    "attempts",
    "channel",
    "recipient",
    "locale",
    "about",
    "customer_id",
)
_ATTEMPT_ARRAYS = (
    "$1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::text[]"
)
_CONTACT = ", ".join(
    f"{name} = CASE WHEN messages.customer_id IS NOT DISTINCT FROM try.customer_id"
    f" THEN try.{name} ELSE messages.{name} END"
    for name in ("channel", "recipient", "locale", "about")
)
_THIS_ATTEMPT = (
    "(messages.merchant_id, messages.id, messages.attempts)"
    " = (try.merchant_id, try.id, try.attempts)"
)


def _attempts(messages: Sequence[Message]) -> list[list[object]]:
    return MESSAGES.arrays(messages, *_ATTEMPT)


_MARK = f"""
WITH marked AS (
    UPDATE messages SET handing_over_at = now(), body_sha256 = try.body_sha256, {_CONTACT}
    FROM unnest({_ATTEMPT_ARRAYS}, $9::text[], $10::interval[]) AS try ({", ".join(_ATTEMPT)}, body_sha256, lease)
    WHERE {_THIS_ATTEMPT} AND state = 'sending' AND handing_over_at IS NULL
    RETURNING messages.merchant_id, messages.id, messages.attempts, lease
), leased AS (
    UPDATE due_messages SET leased_until = now() + lease FROM marked AS one WHERE {_ONE_OF}
), noted AS (
    UPDATE message_attempts AS noted SET handing_over_at = now() FROM marked
    WHERE (noted.merchant_id, noted.message_id, noted.number) = (marked.merchant_id, id, attempts)
)
SELECT id FROM marked"""  # noqa: S608 - made of constants


async def mark_handing_over(conn: Conn, marks: Sequence[Mark]) -> Sequence[bool]:
    """From here on a message may have been accepted. False: the attempt is no longer ours; stop."""
    rows = await conn.fetch(
        _MARK,
        *_attempts([mark.message for mark in marks]),
        [mark.body_sha256 for mark in marks],
        [mark.lease for mark in marks],
    )
    marked = {row["id"] for row in rows}
    return [mark.message.id in marked for mark in marks]


_FINISH = f"""
WITH finished AS (
    UPDATE messages SET state = try.ending, error = try.new_error,
        provider_reference = coalesce(reference, provider_reference),
        sent_at = coalesce(messages.sent_at, try.went_at), {_CONTACT},
        handing_over_at = CASE WHEN try.ending = 'queued' THEN NULL ELSE handing_over_at END
    FROM unnest({_ATTEMPT_ARRAYS}, $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::timestamptz[], $15::timestamptz[])
        AS try ({", ".join(_ATTEMPT)}, begun, ending, outcome, new_error, reference, next_at, went_at)
    WHERE {_THIS_ATTEMPT} AND state = begun
    RETURNING messages.merchant_id, messages.id, messages.attempts, messages.channel, outcome, new_error, next_at
), postponed AS (
    UPDATE due_messages SET due_at = next_at, leased_until = NULL, channel = one.channel
    FROM finished AS one WHERE {_ONE_OF} AND next_at IS NOT NULL
), over AS (
    DELETE FROM due_messages USING finished AS one WHERE {_ONE_OF} AND next_at IS NULL
), noted AS (
    UPDATE message_attempts AS noted SET ended_at = now(), outcome = finished.outcome, error = new_error
    FROM finished
    WHERE (noted.merchant_id, noted.message_id, noted.number) = (finished.merchant_id, id, attempts)
)
SELECT id FROM finished"""  # noqa: S608 - made of constants


async def finish(conn: Conn, endings: Sequence[Ending]) -> Collection[str]:
    """Ids of the messages whose attempts this ended; another worker had ended the others."""
    rows = await conn.fetch(
        _FINISH,
        *_attempts([ending.message for ending in endings]),
        [ending.message.state.value for ending in endings],
        [ending.to.value for ending in endings],
        [ending.outcome for ending in endings],
        [ending.error for ending in endings],
        [ending.reference for ending in endings],
        [ending.due_at for ending in endings],
        [ending.sent_at for ending in endings],
    )
    return {row["id"] for row in rows}


async def move(
    conn: Conn,
    message: Message,
    to: State,
    *,
    error: str | None = None,
    delivered_at: datetime | None = None,
) -> None:
    """Applies a report to a message locked in this transaction."""
    await conn.execute(
        "WITH moved AS ("
        "  UPDATE messages SET state = $4, error = coalesce($5, error),"
        "    delivered_at = coalesce(delivered_at, $6)"
        "  WHERE merchant_id = $1 AND id = $2 AND state = $3 RETURNING id"
        ")"
        " DELETE FROM due_messages"
        " WHERE merchant_id = $1 AND id = $2 AND EXISTS (SELECT FROM moved)",
        message.merchant_id,
        message.id,
        message.state.value,
        to.value,
        error,
        delivered_at,
    )


async def stop_checking(conn: Conn, message: Message) -> None:
    """Stops checking it: it stays unknown."""
    await conn.execute(
        "DELETE FROM due_messages WHERE merchant_id = $1 AND id = $2 AND EXISTS ("
        "  SELECT FROM messages WHERE merchant_id = $1 AND id = $2 AND state = 'unknown')",
        message.merchant_id,
        message.id,
    )


async def oldest_queued_seconds(conn: Conn) -> float:
    """Age of the oldest waiting message; 0 if there is none."""
    age: timedelta | None = await conn.fetchval(
        "SELECT now() - min(queued_at) FROM due_messages JOIN messages USING (merchant_id, id)"
        " WHERE state = 'queued'"
    )
    return age.total_seconds() if age else 0.0
