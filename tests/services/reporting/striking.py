"""A database whose server process is terminated before a statement or the commit of one of our transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from libs.db import Conn, Database
from tests.waiting import until

STATEMENTS = {"execute", "fetch", "fetchrow", "fetchval", "cursor", "copy_records_to_table"}
_RUNS = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"


class Striking(Database):
    """Like `database`, but its process dies before statement number `at`. `is_over`: there were fewer statements."""

    def __init__(self, database: Database, at: int) -> None:
        super().__init__(database._pool)
        self._left = at

    @property
    def is_over(self) -> bool:
        return self._left > 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Conn]:
        async with super().transaction() as conn:
            raw: Any = _Raw(conn.raw, self)
            yield Conn(raw)
            await self.strike(conn.raw)

    async def strike(self, raw: Any) -> None:
        self._left -= 1
        if self._left == 0:
            pid = raw.get_server_pid()
            async with super().connection() as other:
                await other.fetchval("SELECT pg_terminate_backend($1)", pid)
                await until(lambda: _is_gone(other, pid))


async def _is_gone(conn: Conn, pid: int) -> bool:
    found: int = await conn.fetchval(_RUNS, pid)
    return found == 0


class _Raw:
    def __init__(self, raw: "asyncpg.pool.PoolConnectionProxy", striking: Striking) -> None:
        self._raw, self._striking = raw, striking

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._raw, name)
        if name not in STATEMENTS:
            return found

        async def struck(*args: Any, **more: Any) -> Any:
            await self._striking.strike(self._raw)
            return await found(*args, **more)

        return struck
