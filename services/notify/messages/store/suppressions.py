"""SQL of addresses to which nothing is sent any more. Addresses are given normalised."""

from collections.abc import Sequence
from datetime import datetime

from libs.db import Conn, Row
from libs.pages import Page
from services.notify.messages.rules.domain import Channel, Suppression, SuppressionReason

_SELECT = "SELECT id, merchant_id, channel, recipient, reason, created_at FROM suppressions"


def _suppression(row: Row) -> Suppression:
    return Suppression(
        id=row["id"],
        merchant_id=row["merchant_id"],
        channel=Channel(row["channel"]),
        recipient=row["recipient"],
        reason=SuppressionReason(row["reason"]),
        created_at=row["created_at"],
    )


async def insert(conn: Conn, suppression: Suppression) -> None:
    """An address that is on the list stays there as it is."""
    await conn.execute(
        "INSERT INTO suppressions (merchant_id, id, channel, recipient, reason, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (merchant_id, channel, recipient) WHERE removed_at IS NULL DO NOTHING",
        suppression.merchant_id,
        suppression.id,
        suppression.channel.value,
        suppression.recipient,
        suppression.reason.value,
        suppression.created_at,
    )


async def contains(conn: Conn, merchant_id: str, channel: Channel, recipient: str) -> bool:
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM suppressions WHERE merchant_id = $1 AND channel = $2"
            " AND recipient = $3 AND removed_at IS NULL)",
            merchant_id,
            channel.value,
            recipient,
        )
    )


async def page(conn: Conn, merchant_id: str, page: Page) -> Sequence[Suppression]:
    """One row more than the page has, newest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND id < $2 AND removed_at IS NULL"
        " ORDER BY id DESC LIMIT $3",
        merchant_id,
        page.before,
        page.limit + 1,
    )
    return [_suppression(row) for row in rows]


async def remove(conn: Conn, merchant_id: str, suppression_id: str, now: datetime) -> bool:
    """Whether it is, or was, there. The address is forgotten."""
    found = await conn.fetchval(
        "UPDATE suppressions SET removed_at = coalesce(removed_at, $3), recipient = ''"
        " WHERE merchant_id = $1 AND id = $2 RETURNING id",
        merchant_id,
        suppression_id,
        now,
    )
    return found is not None
