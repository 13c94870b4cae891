"""SQL of addresses to which nothing is sent any more. Addresses are given normalised."""

from datetime import datetime
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from services.notify.messages.rules.domain import Channel, Suppression

_SUPPRESSIONS: Final = rows.Table("suppressions", Suppression)
_INSERT: Final = (
    f"{_SUPPRESSIONS.insert()}"
    " ON CONFLICT (merchant_id, channel, recipient) WHERE removed_at IS NULL DO NOTHING"
)


async def insert(conn: Conn, suppression: Suppression) -> None:
    """An address that is on the list stays there as it is."""
    await conn.execute(_INSERT, *_SUPPRESSIONS.values(suppression))


async def contains(conn: Conn, merchant_id: str, channel: Channel, recipient: str) -> bool:
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM suppressions WHERE merchant_id = $1 AND channel = $2"
        " AND recipient = $3 AND removed_at IS NULL)",
        merchant_id,
        channel.value,
        recipient,
    )
    return found


async def page(conn: Conn, merchant_id: str, page: Page) -> Listed[Suppression]:
    conditions = {"merchant_id = {} AND removed_at IS NULL": merchant_id}
    return await pages.fetch(conn, _SUPPRESSIONS, page, conditions)


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
