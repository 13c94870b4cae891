"""SQL of feeds: how far each PSP account's list was pulled, and when it is pulled next."""

from datetime import timedelta
from typing import Final

from libs.db import Conn
from libs.queues import BACKOFF, CLOCK_OFFSET, Queue
from libs.rows import Table
from services.reporting.rules.feeds import Feed

FEEDS: Final = Table("feeds", Feed)

CLAIM: Final = Queue("feeds").claim(f"""
, held AS (
    UPDATE feeds SET checks = checks + 1, due_at = now() + {BACKOFF} FROM due
    WHERE (feeds.merchant_id, feeds.id) = (due.merchant_id, due.id)
    RETURNING feeds.merchant_id, feeds.id
)
SELECT merchant_id, id, {CLOCK_OFFSET}
FROM held LEFT JOIN test_clocks AS clock USING (merchant_id)""")  # noqa: S608 - made of constants


async def begin(conn: Conn, feed: Feed) -> None:
    """Leaves a known feed unchanged, so that it continues from its cursor."""
    await conn.execute(f"{FEEDS.insert()} ON CONFLICT DO NOTHING", *FEEDS.values(feed))


async def lock(conn: Conn, feed: Feed) -> Feed | None:
    """None if another process has moved the cursor."""
    where = "WHERE merchant_id = $1 AND id = $2 AND cursor = $3 FOR UPDATE"
    return await FEEDS.one(conn, where, feed.merchant_id, feed.id, feed.cursor)


async def move(conn: Conn, feed: Feed, cursor: str) -> None:
    sql = "UPDATE feeds SET cursor = $3 WHERE merchant_id = $1 AND id = $2"
    await conn.execute(sql, feed.merchant_id, feed.id, cursor)


async def rest(conn: Conn, feed: Feed, wait: timedelta) -> None:
    """Ends the turn: everything is pulled, or other accounts are next."""
    sql = "UPDATE feeds SET checks = 0, due_at = now() + $3 WHERE merchant_id = $1 AND id = $2"
    await conn.execute(sql, feed.merchant_id, feed.id, wait)
