"""A service's own event log, in its database. The running relay does the sending."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from libs import db, outbox
from libs.outbox import SetAside


class WrongDatabaseError(Exception):
    """The database belongs to another service; the message says which."""


@asynccontextmanager
async def open_log(url: str, service: str) -> AsyncIterator[db.Conn]:
    """Raises WrongDatabaseError; ServiceUnavailable or OSError if there is no database."""
    database = await db.connect(url, pool_size=1, service="incasso-cli")
    try:
        async with database.transaction() as conn:
            owners = await _owners(conn)
            if service not in owners:
                raise WrongDatabaseError(f"it belongs to {', '.join(owners) or 'no service'}")
            yield conn
    finally:
        await database.close()


async def replay(url: str, service: str, *, since: datetime, until: datetime, subject: str) -> int:
    """The number of events that will be sent again. Consumers recognise them by id and do nothing
    twice.
    """
    async with open_log(url, service) as conn:
        return await outbox.replay(conn, since=since, until=until, subject=subject)


async def set_aside(url: str, service: str, *, limit: int) -> Sequence[SetAside]:
    """Events that could not be published, oldest first."""
    async with open_log(url, service) as conn:
        return await outbox.set_aside(conn, limit=limit)


async def release(url: str, service: str, event_ids: Sequence[str] | None) -> int:
    """The number of these, or of all events set aside, that will be retried."""
    async with open_log(url, service) as conn:
        return await outbox.release(conn, event_ids)


async def _owners(conn: db.Conn) -> list[str]:
    if await conn.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return []
    rows = await conn.fetch("SELECT DISTINCT component FROM schema_migrations ORDER BY component")
    return [row["component"] for row in rows if row["component"] != "libs"]
