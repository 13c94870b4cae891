"""SQL of delivery reports that arrive before their message is known."""

from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.notify.messages.rules.domain import DeliveryReport

_REPORTS: Final = rows.Table("provider_notices", DeliveryReport)
_INSERT: Final = f"{_REPORTS.insert(provider_reference='{}')} ON CONFLICT DO NOTHING"


async def lock(conn: Conn, keys: Sequence[str]) -> None:
    """Serialises storing a reference with handling a report for it. Locks in a fixed order, to
    avoid deadlocks.
    """
    await conn.execute(
        "SELECT pg_advisory_xact_lock(number) FROM ("
        "  SELECT DISTINCT hashtextextended(key, 0) AS number FROM unnest($1::text[]) AS key"
        "  ORDER BY number"
        ") AS sorted",
        list(keys),
    )


async def keep(conn: Conn, key: str, report: DeliveryReport) -> None:
    """`key`: the provider's reference, or for returned mail the message's id."""
    await conn.execute(_INSERT, *_REPORTS.values(report), key)


async def take(conn: Conn, keys: Sequence[str]) -> Sequence[tuple[str, DeliveryReport]]:
    """Removes and returns what was kept under these keys, in order of arrival."""
    kept = await conn.fetch(
        "WITH taken AS (DELETE FROM provider_notices WHERE provider_reference = ANY($1::text[])"
        "  RETURNING provider_reference, event, error, suppression, received_at)"
        " SELECT * FROM taken ORDER BY received_at",
        list(keys),
    )
    return [(row["provider_reference"], _REPORTS.read(row)) for row in kept]
