"""SQL of due rows: picked with SKIP LOCKED and held, or moved ahead, in the same statement.

So any number of workers may run, and a crash only delays a row.
"""

from datetime import timedelta
from typing import Final

from libs.db import Conn
from libs.due import CLOCK_OFFSET, fair_sql

_DUE_LINKS: Final = fair_sql(
    "links", where="held_until <= now()", by_test_clock=True, lock="FOR NO KEY UPDATE"
)
# Links with a due reminder or expiry, by each merchant's own clock.
CLAIM_LINKS: Final = f"""
WITH due AS ({_DUE_LINKS}
), held AS (
    UPDATE links SET held_until = now() + interval '30 seconds'
    FROM due WHERE (links.merchant_id, links.id) = (due.merchant_id, due.id)
    RETURNING links.merchant_id, links.id
)
SELECT merchant_id, id, {CLOCK_OFFSET}
FROM held LEFT JOIN test_clocks USING (merchant_id)"""  # noqa: S608 - made of constants


async def oldest_unanswered(conn: Conn) -> timedelta:
    """Age of the oldest unanswered attempt; zero if there is none."""
    found = await conn.fetchval(
        "SELECT now() - min(begun_at) FROM link_payments"
        " WHERE due_at IS NOT NULL AND payment_id IS NULL"
    )
    return found if isinstance(found, timedelta) else timedelta()
