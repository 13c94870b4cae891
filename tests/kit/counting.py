"""Counts the database calls of a flow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from libs.db import Conn, Database


class Counting:
    """A database that counts its multi-statement transactions."""

    run = Database.run

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transactions = 0

    def connection(self) -> Any:
        return self._database.connection()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Conn]:
        self.transactions += 1
        async with self._database.transaction() as conn:
            yield conn
