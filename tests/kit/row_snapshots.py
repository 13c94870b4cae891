"""Prepares the rows of a journey once and copies them for each merchant that starts from it: a
crash matrix starts a hundred times from the same plan.

Copied rows keep their ids, which are scoped to a merchant, and get a new merchant. Values that must
be unique across merchants, such as a secret URL, stay with the latest copy. Doubles get the state
of the original. A journey is prepared again every hour, so that its dates do not expire.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from libs.clock import Clock
from libs.db import Conn, Database

T = TypeVar("T")
Doubles = Mapping[str, object]

_COLUMNS: Final = """
SELECT table_name, array_agg(quote_ident(column_name)) AS columns
FROM information_schema.columns
WHERE table_schema = 'public' AND is_generated = 'NEVER' AND is_identity = 'NO'
GROUP BY table_name HAVING bool_or(column_name = 'merchant_id')
"""

_UNIQUE: Final = """
SELECT indrelid::regclass::text AS table_name, array_agg(quote_ident(attname)) AS columns
FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
WHERE indisunique AND attidentity = ''
GROUP BY indexrelid, indrelid HAVING NOT bool_or(attname = 'merchant_id')
"""


@dataclass(frozen=True)
class Snapshot:
    copies: str  # statements with {merchant_id} for the merchant that receives the rows
    doubles: dict[str, dict[str, Any]]
    answer: Any


class Snapshots:
    """Snapshots for the merchants of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._made: dict[Hashable, Snapshot] = {}
        self._columns: dict[str, list[str]] = {}
        self._unique: dict[str, str] = {}  # values that must be unique across merchants, by table

    async def begin(
        self,
        name: Hashable,
        merchant_id: str,
        doubles: Doubles,
        journey: Callable[[], Awaitable[T]],
    ) -> T:
        """The result of the named journey, run or copied for a merchant without history."""
        at = (name, Clock().now().replace(minute=0, second=0, microsecond=0))
        if at not in self._made:
            answer = await journey()
            self._made[at] = await self._kept(len(self._made), merchant_id, doubles, answer)
            return answer
        made = deepcopy(self._made[at])
        for double, state in made.doubles.items():
            vars(doubles[double]).update(state)
        await self._execute(made.copies.format(merchant_id=merchant_id))
        return made.answer

    async def _kept(self, number: int, merchant_id: str, doubles: Doubles, answer: Any) -> Snapshot:
        async with self._database.connection() as conn:
            tables = await self._tables(conn, merchant_id)
        kept, copies = [], []
        for table in tables:
            columns = ", ".join(name for name in self._columns[table] if name != "merchant_id")
            copy = f"beginnings.{table}_{number}"
            kept.append(
                f"CREATE TABLE {copy} AS SELECT {columns} FROM {table}"
                f" WHERE merchant_id = '{merchant_id}'"
                # Later rows may reuse the space of deleted ones: only `seq` has the events' order.
                f" ORDER BY {'seq' if table == 'outbox' else 'ctid'}"
            )
            if table in self._unique:
                one = self._unique[table]
                copies.append(f"DELETE FROM {table} WHERE ({one}) IN (SELECT {one} FROM {copy})")
            copies.append(
                f"INSERT INTO {table} (merchant_id, {columns})"
                f" SELECT '{{merchant_id}}', {columns} FROM {copy}"
            )
        await self._execute("; ".join(["CREATE SCHEMA IF NOT EXISTS beginnings", *kept]))
        left = {name: deepcopy(vars(double)) for name, double in doubles.items()}
        return Snapshot("; ".join(copies), left, deepcopy(answer))

    async def _tables(self, conn: Conn, merchant_id: str) -> list[str]:
        """The tables that have rows of the merchant."""
        if not self._columns:
            rows = await conn.fetch(_COLUMNS)
            self._columns = {row["table_name"]: row["columns"] for row in rows}
            rows = await conn.fetch(_UNIQUE)
            self._unique = {row["table_name"]: ", ".join(row["columns"]) for row in rows}
        sql = " UNION ALL ".join(
            f"SELECT '{table}' AS name WHERE EXISTS (SELECT FROM {table} WHERE merchant_id = $1)"
            for table in self._columns
        )
        return [row["name"] for row in await conn.fetch(sql, merchant_id)]

    async def _execute(self, statements: str) -> None:
        """Runs with foreign keys off: tables come in any order, so a referenced row may come later."""
        async with self._database.transaction() as tx:
            await tx.execute(f"SET LOCAL session_replication_role = replica; {statements}")
