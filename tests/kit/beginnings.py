"""What a journey leaves behind, made once and copied for each merchant that begins there: a crash
matrix begins a hundred times with the same plan.

Rows keep their ids, which are a merchant's own, and change their merchant; what one merchant alone
may have, as a secret address, the latest one has. Doubles get what theirs had. A journey is made anew
each hour, so that no day of it lies in the past.
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
class Beginning:
    copies: str  # statements, with {merchant_id} for the one who gets the rows
    doubles: dict[str, dict[str, Any]]
    answer: Any


class Beginnings:
    """Of the merchants of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._made: dict[Hashable, Beginning] = {}
        self._columns: dict[str, list[str]] = {}
        self._unique: dict[str, str] = {}  # what no two merchants have, by table

    async def begin(
        self,
        name: Hashable,
        merchant_id: str,
        doubles: Doubles,
        journey: Callable[[], Awaitable[T]],
    ) -> T:
        """What the journey of this name answers to a merchant to whom nothing has happened yet."""
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

    async def _kept(
        self, number: int, merchant_id: str, doubles: Doubles, answer: Any
    ) -> Beginning:
        async with self._database.connection() as conn:
            tables = await self._tables(conn, merchant_id)
        kept, copies = [], []
        for table in tables:
            columns = ", ".join(name for name in self._columns[table] if name != "merchant_id")
            copy = f"beginnings.{table}_{number}"
            kept.append(
                f"CREATE TABLE {copy} AS SELECT {columns} FROM {table}"
                f" WHERE merchant_id = '{merchant_id}' ORDER BY ctid"
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
        return Beginning("; ".join(copies), left, deepcopy(answer))

    async def _tables(self, conn: Conn, merchant_id: str) -> list[str]:
        """With rows of the merchant."""
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
        """In the order of their tables' names: whom a row refers to may come later."""
        async with self._database.transaction() as tx:
            await tx.execute(f"SET LOCAL session_replication_role = replica; {statements}")
