"""SQL of what providers tell before we know the message's reference."""

from collections.abc import Sequence

from libs.db import Conn
from services.notify.messages.rules.domain import Event, News, SuppressionReason


async def lock(conn: Conn, key: str) -> None:
    """One at a time: who stores a reference, and who has news of it."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)


async def keep(conn: Conn, key: str, news: News) -> None:
    """`key`: the provider's reference, or for returned mail the message's id."""
    await conn.execute(
        "INSERT INTO provider_notices (provider_reference, event, error, suppression)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        key,
        news.event.value,
        news.error,
        news.suppression.value if news.suppression else None,
    )


async def take(conn: Conn, key: str) -> Sequence[News]:
    """What was kept, in the order in which it came; it is gone then."""
    rows = await conn.fetch(
        "WITH taken AS (DELETE FROM provider_notices WHERE provider_reference = $1"
        "  RETURNING event, error, suppression, received_at)"
        " SELECT event, error, suppression FROM taken ORDER BY received_at",
        key,
    )
    return [
        News(
            Event(row["event"]),
            row["error"],
            SuppressionReason(row["suppression"]) if row["suppression"] else None,
        )
        for row in rows
    ]
