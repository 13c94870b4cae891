"""Addresses of pages. The token in an address is the only proof, so it is stored as a hash, for
look-up, and sealed, for showing it again (ADR 10).
"""

import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from libs import tokens
from libs.db import Conn
from libs.rows import Placed, Table
from libs.seal import Seal, SealBrokenError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The row that a token belongs to, and how far ahead the merchant's clock is."""

    row: T
    clock_offset_seconds: int


class Addresses(Generic[T]):
    """`table` has at most one address for each row of `of`, whose id is in `column`."""

    def __init__(self, table: str, column: str, of: Table[T]) -> None:
        self._of = of
        self._find: Final = f"""
SELECT address.token_hash, address.clock_offset, {of.selected}
FROM {of.name} JOIN (
    SELECT merchant_id AS of_merchant, {column} AS of_id, token_hash,
        coalesce(extract(epoch FROM test_clocks.clock_offset), 0)::bigint AS clock_offset
    FROM {table} LEFT JOIN test_clocks USING (merchant_id)
    WHERE token_hash = $1
) AS address ON ({of.name}.merchant_id, {of.name}.id) = (of_merchant, of_id)"""  # noqa: S608 - made of constants
        self._issue: Final = f"""
INSERT INTO {table} AS kept (merchant_id, {column}, token_hash, sealed, issued_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, {column}) DO UPDATE SET {column} = kept.{column}
RETURNING sealed"""  # noqa: S608 - made of constants
        self._sealed: Final = f"""
SELECT {column} AS of_id, sealed FROM {table}
WHERE merchant_id = $1 AND {column} = ANY($2::text[])"""  # noqa: S608 - made of constants

    async def issue(self, conn: Conn, row: Placed, seal: Seal, now: datetime) -> str:
        """The sealed token of the row's only address: a new one, or the one that already exists."""
        token = tokens.new()
        given = (row.merchant_id, row.id, tokens.hash_of(token), seal.close(token), now)
        sealed: str = await conn.fetchval(self._issue, *given)
        return sealed

    async def find(self, conn: Conn, token: str) -> Found[T] | None:
        """The row of a token; None if it is unknown. Compares in constant time."""
        token_hash = tokens.hash_of(token)
        row = await conn.fetchrow(self._find, token_hash)
        stored = bytes(32) if row is None else bytes(row["token_hash"])
        if not hmac.compare_digest(stored, token_hash) or row is None:
            return None
        return Found(self._of.read(row), row["clock_offset"])

    async def tokens(
        self, conn: Conn, seal: Seal, merchant_id: str, row_ids: Sequence[str]
    ) -> Mapping[str, str]:
        """Tokens by row. Leaves out rows that have no address, and those whose token was sealed with
        a lost key.
        """
        found = {}
        for row in await conn.fetch(self._sealed, merchant_id, list(row_ids)):
            with suppress(SealBrokenError):
                found[row["of_id"]] = seal.open(row["sealed"])
        return found
