"""SQL of delivery reports that come before we know their message."""

from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.notify.messages.rules.domain import DeliveryReport

_REPORTS: Final = rows.Table("provider_notices", DeliveryReport)
_INSERT: Final = f"{_REPORTS.insert(provider_reference='{}')} ON CONFLICT DO NOTHING"


async def lock(conn: Conn, key: str) -> None:
    """One at a time: who stores a reference, and who has a report of it."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)


async def keep(conn: Conn, key: str, report: DeliveryReport) -> None:
    """`key`: the provider's reference, or for returned mail the message's id."""
    await conn.execute(_INSERT, *_REPORTS.values(report), key)


async def take(conn: Conn, key: str) -> Sequence[DeliveryReport]:
    """What was kept, in the order in which it came; it is gone then."""
    kept = await conn.fetch(
        "WITH taken AS (DELETE FROM provider_notices WHERE provider_reference = $1"
        "  RETURNING event, error, suppression, received_at)"
        " SELECT event, error, suppression FROM taken ORDER BY received_at",
        key,
    )
    return [_REPORTS.read(row) for row in kept]
