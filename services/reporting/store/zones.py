"""SQL of merchants' time zones."""

from collections.abc import Collection, Mapping
from zoneinfo import ZoneInfo

from libs.db import Conn


async def keep(conn: Conn, zones: Mapping[str, str]) -> None:
    """`zones`: by merchant. Known zones stay."""
    merchant_ids = sorted(zones)
    await conn.execute(
        "INSERT INTO merchant_zones (merchant_id, time_zone) SELECT * FROM unnest($1::text[], $2::text[])"
        " ON CONFLICT DO NOTHING",
        merchant_ids,
        [zones[merchant_id] for merchant_id in merchant_ids],
    )


async def of(conn: Conn, merchant_ids: Collection[str]) -> Mapping[str, ZoneInfo]:
    """The zones of the merchants whose zone is known."""
    rows = await conn.fetch(
        "SELECT merchant_id, time_zone FROM merchant_zones WHERE merchant_id = ANY ($1)",
        sorted(merchant_ids),
    )
    return {row["merchant_id"]: ZoneInfo(row["time_zone"]) for row in rows}
