"""A process that is killed before one of its statements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from libs.db import Database


class KilledError(Exception):
    """Stands for a kill: uncommitted work is lost."""


class Mortal(Database):
    """The database of a process that is killed after a number of statements."""

    def __init__(self, database: Database, statements: int) -> None:
        self._database = database
        self.left = statements

    def connection(self) -> Any:
        return self._database.connection()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._database.transaction() as conn:
            yield MortalConn(conn, self)


class MortalConn:
    def __init__(self, conn: Any, database: Mortal) -> None:
        self._conn = conn
        self._database = database

    def __getattr__(self, name: str) -> Any:
        if name in {"execute", "fetch", "fetchrow", "fetchval"}:
            if not self._database.left:
                raise KilledError
            self._database.left -= 1
        return getattr(self._conn, name)
