"""Unfinished rows: the caller crashed, got no answer, or went away.

A method service's table has `due_at` (when to ask again; null at the end), `checks` (how often the
worker has asked), `begun_at` (when it was last requested, in real time) and `payment_id`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs import due
from libs.db import Conn, Database
from libs.due import DueWorker
from libs.queues import BACKOFF, CLOCK_OFFSET, Queue

CHECK_AFTER: Final = timedelta(seconds=15)  # when an unanswered row is taken up


@dataclass(frozen=True, slots=True)
class DueRow:
    """`age` is real time, regardless of test clocks."""

    merchant_id: str
    id: str
    age: timedelta
    clock_offset_seconds: int = 0


def worker(
    service: str,
    db: Database,
    *,
    table: str,
    settle: Callable[[DueRow], Awaitable[object]],
    pause: str = BACKOFF,
) -> DueWorker[DueRow]:
    """Settles each row in the name of its merchant, at growing intervals or as the SQL of `pause`
    says.
    """
    claim = Queue(table).claim(f"""
, moved AS (
        UPDATE {table} SET checks = checks + 1, due_at = now() + {pause}
        FROM due WHERE ({table}.merchant_id, {table}.id) = (due.merchant_id, due.id)
        RETURNING {table}.merchant_id, {table}.id, now() - {table}.begun_at AS age
    )
    SELECT merchant_id, id, age, {CLOCK_OFFSET}
    FROM moved LEFT JOIN test_clocks AS clock USING (merchant_id)""")  # noqa: S608 - made of constants
    return due.worker(service, table, db, claim, settle, kind=DueRow)


async def ask_again_now(conn: Conn, table: str, merchant_id: str, row_id: str) -> None:
    """The call that began the row ended without an answer: the next one need not wait."""
    await conn.execute(
        f"UPDATE {table} SET due_at = now() WHERE merchant_id = $1 AND id = $2"  # noqa: S608 - made of constants
        " AND payment_id IS NULL AND due_at IS NOT NULL AND checks = 0",
        merchant_id,
        row_id,
    )
