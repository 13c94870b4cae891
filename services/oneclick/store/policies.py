"""SQL of the merchants' limits."""

from libs.db import Conn
from services.oneclick.limits import DEFAULT, Policy


async def get(conn: Conn, merchant_id: str) -> Policy:
    row = await conn.fetchrow(
        "SELECT max_charge_minor, max_daily_minor, max_hourly_charges, grace_seconds"
        " FROM policies WHERE merchant_id = $1",
        merchant_id,
    )
    return DEFAULT if row is None else Policy(**dict(row))


async def change(
    conn: Conn,
    merchant_id: str,
    *,
    max_charge_minor: int | None,
    max_daily_minor: int | None,
    max_hourly_charges: int | None,
    grace_seconds: int | None,
) -> Policy:
    """None leaves what is there, or the default."""
    row = await conn.fetchrow(
        "INSERT INTO policies AS held"
        " (merchant_id, max_charge_minor, max_daily_minor, max_hourly_charges, grace_seconds)"
        " VALUES ($1, coalesce($2::bigint, $6), coalesce($3::bigint, $7), coalesce($4::integer, $8),"
        " coalesce($5::bigint, $9))"
        " ON CONFLICT (merchant_id) DO UPDATE SET"
        " max_charge_minor = coalesce($2, held.max_charge_minor),"
        " max_daily_minor = coalesce($3, held.max_daily_minor),"
        " max_hourly_charges = coalesce($4, held.max_hourly_charges),"
        " grace_seconds = coalesce($5, held.grace_seconds)"
        " RETURNING max_charge_minor, max_daily_minor, max_hourly_charges, grace_seconds",
        merchant_id,
        max_charge_minor,
        max_daily_minor,
        max_hourly_charges,
        grace_seconds,
        DEFAULT.max_charge_minor,
        DEFAULT.max_daily_minor,
        DEFAULT.max_hourly_charges,
        DEFAULT.grace_seconds,
    )
    assert row is not None  # an upsert returns its row
    return Policy(**dict(row))
