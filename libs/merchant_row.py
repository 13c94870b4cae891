"""A table with one row per merchant, with defaults until the first change: settings, limits."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from libs import rows
from libs.db import Conn

T = TypeVar("T")


class MerchantRow(Generic[T]):
    """`columns` as for rows.Table."""

    def __init__(self, table: str, kind: type[T], columns: Mapping[str, str] | None = None) -> None:
        self._table = rows.Table(table, kind, columns=columns or {})
        self._insert = (
            self._table.insert(merchant_id="{}") + " ON CONFLICT (merchant_id) DO NOTHING"
        )
        assigned = rows.assignments(self._table.columns, first=2)
        self._save = f"UPDATE {table} SET {assigned} WHERE merchant_id = $1"  # noqa: S608 - made of constants

    async def get(self, conn: Conn, merchant_id: str, default: T) -> T:
        return await self._table.one(conn, "WHERE merchant_id = $1", merchant_id) or default

    async def lock(self, conn: Conn, merchant_id: str, default: T) -> T:
        """Locks the merchant's row; creates it with the defaults if there was none."""
        await conn.execute(self._insert, *self._table.values(default), merchant_id)
        found = await self._table.one(conn, "WHERE merchant_id = $1 FOR NO KEY UPDATE", merchant_id)
        assert found is not None  # created above if it was missing
        return found

    async def save(self, conn: Conn, merchant_id: str, value: T) -> None:
        """Saves a merchant's row that was locked in this transaction."""
        await conn.execute(self._save, merchant_id, *self._table.values(value))
