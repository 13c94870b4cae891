"""The current time per merchant: test merchants may be ahead of real time.

Requests carry the offset of their merchant (the gateway knows it from the key); workers read it
from the test_clocks table, which `follow` updates from the merchants service's events. Rules never
read a clock: they get `now` as an argument.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from libs import context
from libs.db import Conn

# For the SQL of workers: "now" for a row's merchant. Joins test_clocks as `clock`.
SQL_NOW: Final = "now() + coalesce(clock.clock_offset, interval '0')"
SQL_JOIN: Final = "LEFT JOIN test_clocks AS clock USING (merchant_id)"


def world_now() -> datetime:
    """Aware UTC time, regardless of test clocks."""
    return datetime.now(UTC)


class Clock:
    """Real time plus the offset of the current call's merchant."""

    def now(self) -> datetime:
        """Aware UTC time for the merchant of the current call."""
        offset = context.current().clock_offset_seconds
        return world_now() + timedelta(seconds=offset)


async def offset(conn: Conn, merchant_id: str) -> timedelta:
    """How far ahead a merchant's clock is, for code outside a call."""
    ahead: timedelta | None = await conn.fetchval(
        "SELECT clock_offset FROM test_clocks WHERE merchant_id = $1", merchant_id
    )
    return ahead or timedelta()


async def act_for(conn: Conn, service: str) -> None:
    """From here on, an event is handled in its merchant's name and time."""
    merchant_id = context.merchant_id()
    ahead = await offset(conn, merchant_id)
    context.act_for(service, merchant_id, int(ahead.total_seconds()))


async def follow(conn: Conn, merchant_id: str, offset_seconds: int) -> None:
    """Records that a test clock was advanced; clocks never go back."""
    await conn.execute(
        "INSERT INTO test_clocks (merchant_id, clock_offset) VALUES ($1, $2)"
        " ON CONFLICT (merchant_id) DO UPDATE"
        " SET clock_offset = greatest(test_clocks.clock_offset, EXCLUDED.clock_offset)",
        merchant_id,
        timedelta(seconds=offset_seconds),
    )
