"""SQL of suppressed addresses. Addresses are passed normalised."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from services.notify.messages.rules.domain import Channel, Suppression

SUPPRESSIONS: Final = rows.Table("suppressions", Suppression)
_INSERT: Final = (
    f"{SUPPRESSIONS.insert()}"
    " ON CONFLICT (merchant_id, channel, recipient) WHERE removed_at IS NULL DO NOTHING"
)


async def insert(conn: Conn, suppression: Suppression) -> None:
    """An address that is already suppressed stays as it is."""
    await conn.execute(_INSERT, *SUPPRESSIONS.values(suppression))


async def contain(conn: Conn, addresses: Sequence[tuple[str, Channel, str]]) -> Sequence[bool]:
    """Whether each (merchant, channel, address) is suppressed."""
    found = await conn.fetch(
        "SELECT merchant_id, channel, recipient FROM suppressions"
        " JOIN unnest($1::text[], $2::text[], $3::text[]) AS asked (merchant_id, channel, recipient)"
        " USING (merchant_id, channel, recipient) WHERE removed_at IS NULL",
        [merchant_id for merchant_id, _, _ in addresses],
        [channel.value for _, channel, _ in addresses],
        [recipient for _, _, recipient in addresses],
    )
    listed = {(row["merchant_id"], Channel(row["channel"]), row["recipient"]) for row in found}
    return [address in listed for address in addresses]


async def remove(conn: Conn, merchant_id: str, suppression_id: str, now: datetime) -> bool:
    """Lifts it and deletes its address. False if there was never such a suppression."""
    found = await conn.fetchval(
        "UPDATE suppressions SET removed_at = coalesce(removed_at, $3), recipient = ''"
        " WHERE merchant_id = $1 AND id = $2 RETURNING id",
        merchant_id,
        suppression_id,
        now,
    )
    return found is not None
