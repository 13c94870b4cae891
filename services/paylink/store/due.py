"""SQL of due rows: picked with SKIP LOCKED and held, or moved ahead, in the same statement.

So any number of workers may run, and a crash only delays a row.
"""

from datetime import timedelta
from typing import Final

from libs.db import Conn
from libs.queues import held

# Links with a due reminder or expiry.
CLAIM_LINKS: Final = held("links")


async def oldest_unanswered(conn: Conn) -> timedelta:
    """Age of the oldest unanswered attempt; zero if there is none."""
    found = await conn.fetchval(
        "SELECT now() - min(begun_at) FROM link_payments"
        " WHERE due_at IS NOT NULL AND payment_id IS NULL"
    )
    return found if isinstance(found, timedelta) else timedelta()
