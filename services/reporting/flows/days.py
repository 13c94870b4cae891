"""The zone that defines the merchant's day."""

from zoneinfo import ZoneInfo

from libs import time_zones
from libs.db import Conn
from services.reporting.store import zones


async def zone_of(conn: Conn, merchant_id: str) -> ZoneInfo:
    """UTC for a merchant without events so far."""
    return (await zones.of(conn, [merchant_id])).get(merchant_id, ZoneInfo(time_zones.UTC))
