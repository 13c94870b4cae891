"""Marks events of a service's own log to be sent again. The running relay then sends them."""

from datetime import datetime

from libs import db, outbox


class WrongDatabaseError(Exception):
    """The database is not that service's; the message says whose it is."""


async def replay(url: str, service: str, *, since: datetime, until: datetime, subject: str) -> int:
    """How many events will be sent again. Consumers know them by their id and do nothing twice.

    Raises WrongDatabaseError; ServiceUnavailable or OSError when there is no database.
    """
    database = await db.connect(url, pool_size=1, service="incasso-cli")
    try:
        async with database.transaction() as conn:
            owners = await _owners(conn)
            if service not in owners:
                raise WrongDatabaseError(f"it belongs to {', '.join(owners) or 'no service'}")
            return await outbox.replay(conn, since=since, until=until, subject=subject)
    finally:
        await database.close()


async def _owners(conn: db.Conn) -> list[str]:
    if await conn.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return []
    rows = await conn.fetch("SELECT DISTINCT component FROM schema_migrations ORDER BY component")
    return [row["component"] for row in rows if row["component"] != "libs"]
