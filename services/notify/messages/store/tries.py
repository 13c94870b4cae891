"""SQL of what is due, and of one try: claimed, marked before it is handed over, ended.

Every statement of a try names its number, so that a worker whose lease ran out changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.db import Conn
from libs.due import Room, fair_sql
from services.notify.messages.rules.domain import Channel, Message, State
from services.notify.messages.store.messages import MESSAGES


@dataclass(frozen=True, slots=True)
class Due:
    """A message to be worked on. `doubtful`: it may have been handed over; find out, do not send."""

    message: Message
    doubtful: bool
    clock_offset_seconds: int

    @property
    def merchant_id(self) -> str:
        return self.message.merchant_id


_RETURNED = ", ".join(f"messages.{name}" for name in MESSAGES.columns)

_DUE = fair_sql(
    "messages",
    where="channel = ANY($4)",
    columns="merchant_id, id, state = 'unknown' OR handing_over_at IS NOT NULL AS doubtful",
    lock="FOR NO KEY UPDATE",
)


async def claim(
    conn: Conn, room: Room, *, channels: Sequence[Channel], lease: timedelta
) -> Sequence[Due]:
    """Begin a try of what is due, or a look at what is doubtful."""
    rows = await conn.fetch(
        f"WITH due AS ({_DUE}"  # noqa: S608 - made of constants
        "), claimed AS ("
        "  UPDATE messages SET due_at = now() + $5::interval,"
        "    state = CASE WHEN doubtful THEN state ELSE 'sending' END,"
        "    attempts = attempts + CASE WHEN doubtful THEN 0 ELSE 1 END"
        "  FROM due WHERE (messages.merchant_id, messages.id) = (due.merchant_id, due.id)"
        f"  RETURNING {_RETURNED}, doubtful"
        "), begun AS ("
        "  INSERT INTO message_attempts (merchant_id, message_id, number)"
        "  SELECT merchant_id, id, attempts FROM claimed WHERE NOT doubtful"
        ")"
        f" SELECT {MESSAGES.selected}, doubtful,"
        "  coalesce(extract(epoch FROM clock.clock_offset), 0)::bigint AS offset_seconds"
        " FROM claimed LEFT JOIN test_clocks AS clock USING (merchant_id)",
        *room.values,
        [channel.value for channel in channels],
        lease,
    )
    return [Due(MESSAGES.read(row), row["doubtful"], row["offset_seconds"]) for row in rows]


async def set_contact(conn: Conn, message: Message) -> None:
    """Write down whom it turned out to be for, unless the customer was erased meanwhile."""
    await conn.execute(
        "UPDATE messages SET recipient = $3, locale = $4, about = $5"
        " WHERE merchant_id = $1 AND id = $2 AND state = 'sending' AND attempts = $6"
        " AND customer_id IS NOT DISTINCT FROM $7",
        *MESSAGES.values(
            message,
            "merchant_id",
            "id",
            "recipient",
            "locale",
            "about",
            "attempts",
            "customer_id",
        ),
    )


async def mark_handing_over(
    conn: Conn, message: Message, *, body_sha256: str, lease: timedelta
) -> bool:
    """From here on the other side may have it. False: this try is no longer ours; stop."""
    marked = await conn.fetchval(
        "WITH marked AS ("
        "  UPDATE messages SET handing_over_at = now(), due_at = now() + $4::interval,"
        "    body_sha256 = $5"
        "  WHERE merchant_id = $1 AND id = $2 AND attempts = $3 AND state = 'sending'"
        "    AND handing_over_at IS NULL RETURNING id"
        "), noted AS ("
        "  UPDATE message_attempts SET handing_over_at = now()"
        "  WHERE merchant_id = $1 AND message_id = $2 AND number = $3"
        "    AND EXISTS (SELECT FROM marked)"
        ") SELECT count(*) FROM marked",
        message.merchant_id,
        message.id,
        message.attempts,
        lease,
        body_sha256,
    )
    return bool(marked)


async def finish(
    conn: Conn,
    message: Message,
    to: State,
    *,
    outcome: str,
    error: str | None = None,
    reference: str | None = None,
    due_at: datetime | None = None,
    sent_at: datetime | None = None,
) -> bool:
    """End the try in state `to`. False: somebody else ended it."""
    finished = await conn.fetchval(
        "WITH finished AS ("
        "  UPDATE messages SET state = $5, error = $6, due_at = $8,"
        "    provider_reference = coalesce($7, provider_reference),"
        "    sent_at = coalesce(sent_at, $9),"
        "    handing_over_at = CASE WHEN $5 = 'queued' THEN NULL ELSE handing_over_at END"
        "  WHERE merchant_id = $1 AND id = $2 AND attempts = $3 AND state = $4 RETURNING id"
        "), noted AS ("
        "  UPDATE message_attempts SET ended_at = now(), outcome = $10, error = $6"
        "  WHERE merchant_id = $1 AND message_id = $2 AND number = $3"
        "    AND EXISTS (SELECT FROM finished)"
        ") SELECT count(*) FROM finished",
        message.merchant_id,
        message.id,
        message.attempts,
        message.state.value,
        to.value,
        error,
        reference,
        due_at,
        sent_at,
        outcome,
    )
    return bool(finished)


async def move(
    conn: Conn,
    message: Message,
    to: State,
    *,
    error: str | None = None,
    delivered_at: datetime | None = None,
) -> None:
    """After a report about a message that is locked in this transaction."""
    await conn.execute(
        "UPDATE messages SET state = $4, error = coalesce($5, error), due_at = NULL,"
        " delivered_at = coalesce(delivered_at, $6)"
        " WHERE merchant_id = $1 AND id = $2 AND state = $3",
        message.merchant_id,
        message.id,
        message.state.value,
        to.value,
        error,
        delivered_at,
    )


async def leave(conn: Conn, message: Message) -> None:
    """Look at it no more: it stays unknown."""
    await conn.execute(
        "UPDATE messages SET due_at = NULL"
        " WHERE merchant_id = $1 AND id = $2 AND state = 'unknown'",
        message.merchant_id,
        message.id,
    )


async def oldest_queued_seconds(conn: Conn) -> float:
    """Age of the oldest message that waits; 0 when none does."""
    age: timedelta | None = await conn.fetchval(
        "SELECT now() - min(queued_at) FROM messages WHERE due_at IS NOT NULL AND state = 'queued'"
    )
    return age.total_seconds() if age else 0.0
