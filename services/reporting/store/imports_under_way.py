"""SQL of running imports. Times are real time, not the time of a merchant's test clock."""

from typing import Final

from libs.db import Conn
from services.reporting.rules.imports import ImportProgress

_BEGIN: Final = """
INSERT INTO imports_under_way (merchant_id, content_hash, entries, staged, begun_at, seen_at)
VALUES ($1, $2, 0, 0, now(), now())
ON CONFLICT (merchant_id, content_hash) DO UPDATE
SET entries = 0, staged = 0, begun_at = now(), seen_at = now()"""
_MOVE: Final = """
UPDATE imports_under_way SET entries = $3, staged = $4, seen_at = now()
WHERE merchant_id = $1 AND content_hash = $2"""


async def begin(conn: Conn, merchant_id: str, content_hash: str) -> None:
    """Starts over if an earlier import was interrupted."""
    await conn.execute(_BEGIN, merchant_id, content_hash)


async def move(
    conn: Conn, merchant_id: str, content_hash: str, *, entries: int, staged: int
) -> None:
    await conn.execute(_MOVE, merchant_id, content_hash, entries, staged)


async def end(conn: Conn, merchant_id: str, content_hash: str) -> None:
    sql = "DELETE FROM imports_under_way WHERE merchant_id = $1 AND content_hash = $2"
    await conn.execute(sql, merchant_id, content_hash)


async def get(conn: Conn, merchant_id: str, content_hash: str) -> ImportProgress | None:
    row = await conn.fetchrow(
        "SELECT entries, staged, begun_at, seen_at FROM imports_under_way"
        " WHERE merchant_id = $1 AND content_hash = $2",
        merchant_id,
        content_hash,
    )
    return None if row is None else ImportProgress(**dict(row))
