"""SQL of what is due: picked with SKIP LOCKED and held, or moved ahead, in the same statement.

So any number of workers may run, and a crash only delays a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs.db import Conn
from libs.due import Room, fair_sql


@dataclass(frozen=True, slots=True)
class DueLink:
    """A link with a reminder to send, or whose time is over."""

    merchant_id: str
    link_id: str
    clock_offset_seconds: int


_DUE_LINKS: Final = fair_sql(
    "links", where="held_until <= now()", by_test_clock=True, lock="FOR NO KEY UPDATE"
)
_CLAIM_LINKS: Final = f"""
WITH due AS ({_DUE_LINKS}
), held AS (
    UPDATE links SET held_until = now() + interval '30 seconds'
    FROM due WHERE (links.merchant_id, links.id) = (due.merchant_id, due.id)
    RETURNING links.merchant_id, links.id
)
SELECT merchant_id, id, coalesce(extract(epoch FROM clock_offset), 0)::bigint AS clock_offset
FROM held LEFT JOIN test_clocks USING (merchant_id)"""  # noqa: S608 - made of constants


async def claim_due_links(conn: Conn, room: Room) -> Sequence[DueLink]:
    """By each merchant's own clock."""
    rows = await conn.fetch(_CLAIM_LINKS, *room.values)
    return [DueLink(row["merchant_id"], row["id"], row["clock_offset"]) for row in rows]


async def oldest_unanswered(conn: Conn) -> timedelta:
    """Age of the oldest try of which payments has not told anything; zero when there is none."""
    found = await conn.fetchval(
        "SELECT now() - min(begun_at) FROM link_payments"
        " WHERE due_at IS NOT NULL AND payment_id IS NULL"
    )
    return found if isinstance(found, timedelta) else timedelta()
