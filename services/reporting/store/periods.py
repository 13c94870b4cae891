"""SQL of closed months."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from libs.db import Conn, Row

MOST: int = 1200  # months listed


async def closed(conn: Conn, merchant_ids: Collection[str]) -> Mapping[str, date]:
    """The last closed month of each merchant that has one."""
    rows = await conn.fetch(
        "SELECT merchant_id, max(month) AS month FROM periods"
        " WHERE merchant_id = ANY ($1) GROUP BY merchant_id",
        sorted(merchant_ids),
    )
    return {row["merchant_id"]: row["month"] for row in rows}


async def close(
    conn: Conn, merchant_id: str, month: date, *, closed_at: datetime, closed_by: str
) -> int:
    """Closes the month and earlier months with entries; returns how many were open."""
    return await conn.execute(
        "INSERT INTO periods (merchant_id, month, closed_at, closed_by)"
        " SELECT $1, month, $3, $4 FROM ("
        "  SELECT $2::date AS month UNION"
        "  SELECT date_trunc('month', booked_on)::date FROM balances"
        "  WHERE merchant_id = $1 AND booked_on < $2"
        " ) AS months ON CONFLICT DO NOTHING",
        merchant_id,
        month,
        closed_at,
        closed_by,
    )


async def months(conn: Conn, merchant_id: str) -> Sequence[Row]:
    """Months that have entries or are closed, newest first."""
    return await conn.fetch(
        "SELECT month, closed_at, closed_by, month <= (SELECT max(month) FROM periods"
        "  WHERE merchant_id = $1) AS is_closed"
        " FROM (SELECT DISTINCT date_trunc('month', booked_on)::date AS month FROM balances"
        "  WHERE merchant_id = $1 UNION SELECT month FROM periods WHERE merchant_id = $1) AS months"
        " LEFT JOIN (SELECT month, closed_at, closed_by FROM periods WHERE merchant_id = $1)"
        "  AS closed USING (month)"
        " ORDER BY month DESC LIMIT $2",
        merchant_id,
        MOST,
    )


async def closing_of(conn: Conn, merchant_id: str, month: date) -> tuple[datetime, str]:
    """When and by whom a closed month was closed, possibly together with a later one."""
    row = await conn.fetchrow(
        "SELECT closed_at, closed_by FROM periods WHERE merchant_id = $1 AND month >= $2"
        " ORDER BY month LIMIT 1",
        merchant_id,
        month,
    )
    assert row is not None  # it is closed
    return row["closed_at"], row["closed_by"]
