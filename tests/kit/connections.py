"""Connections for tests, and a wait for lock conflicts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import asyncpg

from libs.db import Database
from tests.waiting import until

_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Closes the connection in the end, even if the test fails or kills the server."""
    conn = await asyncpg.connect(url)
    try:
        yield conn
    finally:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await conn.close()


async def until_locked_out(database: Database | asyncpg.Connection) -> None:
    """Returns once a connection to this database waits for a lock."""
    if isinstance(database, Database):
        async with database.connection() as conn:
            await _until_locked_out(conn.raw)
    else:
        await _until_locked_out(database)


async def _until_locked_out(conn: Any) -> None:
    assert not conn.is_in_transaction(), (
        "a transaction does not see connections made after its first query"
    )
    await until(partial(conn.fetchval, _WAITING))
