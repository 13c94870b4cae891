"""What time it is, per merchant: test merchants may run ahead of the world.

Requests carry the offset of their merchant (the gateway knows it from the key); workers take it
from the test_clocks table, which `follow` keeps up to date from the merchants service's events.
Rules never ask a clock: they are given `now`.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from libs import context
from libs.db import Conn

# In SQL of workers: what "now" is for a row's merchant. Joins test_clocks as `clock`.
SQL_NOW: Final = "now() + coalesce(clock.clock_offset, interval '0')"
SQL_JOIN: Final = "LEFT JOIN test_clocks AS clock USING (merchant_id)"


def world_now() -> datetime:
    """Aware UTC time of the world, for what no merchant's test clock moves."""
    return datetime.now(UTC)


class Clock:
    """The world's clock plus the offset of the current call's merchant."""

    def now(self) -> datetime:
        """Aware UTC time for the merchant of the current call."""
        offset = context.current().clock_offset_seconds
        return world_now() + timedelta(seconds=offset)


async def offset(conn: Conn, merchant_id: str) -> timedelta:
    """By how much a merchant's clock is ahead, where no call says it."""
    ahead: timedelta | None = await conn.fetchval(
        "SELECT clock_offset FROM test_clocks WHERE merchant_id = $1", merchant_id
    )
    return ahead or timedelta()


async def act_for(conn: Conn, service: str) -> None:
    """From here on an event is followed in its merchant's name and time."""
    merchant_id = context.merchant_id()
    ahead = await offset(conn, merchant_id)
    context.act_for(service, merchant_id, int(ahead.total_seconds()))


async def follow(conn: Conn, merchant_id: str, offset_seconds: int) -> None:
    """Record that a test clock was advanced; clocks never run back."""
    await conn.execute(
        "INSERT INTO test_clocks (merchant_id, clock_offset) VALUES ($1, $2)"
        " ON CONFLICT (merchant_id) DO UPDATE"
        " SET clock_offset = greatest(test_clocks.clock_offset, EXCLUDED.clock_offset)",
        merchant_id,
        timedelta(seconds=offset_seconds),
    )
