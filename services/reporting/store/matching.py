"""SQL of a reconciliation run: the claim, the steps, and the items left for sums."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from libs.db import Conn
from libs.queues import CLOCK_OFFSET, Queue
from libs.rows import Table
from services.reporting.rules.items import OpenItem, Side, Stage
from services.reporting.rules.matches import Match, Pair
from services.reporting.rules.matching import (
    DEFAULT_LATE_AFTER_DAYS,
    DEFAULT_TOLERANCE_MINOR,
    MOST_SUMMED,
    Step,
)
from services.reporting.store import pairs
from services.reporting.store.items import OPEN_ITEMS, SECONDS

MATCHES: Final = Table("matches", Match)
_PAIRS: Final = Table("pairs", Pair)
_LOCK: Final = 0x1E4C0C  # any constant: one run per merchant at a time
WORK_MEMORY: Final = "64MB"  # for each sort and hash table of a run
BLOCK: Final = 500  # pairs processed before yielding to the event loop

# Due by the merchant's clock. After a crash, a run is due again a few minutes later.
CLAIM: Final = Queue("reconciliations", columns="merchant_id", by_test_clock=True).claim(f"""
, held AS (
    UPDATE reconciliations SET due_at = now() + interval '5 minutes' FROM due
    WHERE reconciliations.merchant_id = due.merchant_id RETURNING reconciliations.merchant_id
)
SELECT merchant_id, merchant_id AS id, {CLOCK_OFFSET}
FROM held LEFT JOIN test_clocks USING (merchant_id)""")  # noqa: S608 - made of constants


async def begin(conn: Conn, merchant_id: str) -> datetime | None:
    """Prevents other matching for the merchant until the end of the transaction. Returns when the
    run was due, if one was scheduled.
    """
    await conn.raw.execute(
        "SELECT pg_advisory_xact_lock($1, hashtext($2)), set_config('work_mem', $3, true)",
        _LOCK,
        merchant_id,
        WORK_MEMORY,
        timeout=SECONDS,
    )
    sql = "SELECT due_at FROM reconciliations WHERE merchant_id = $1"
    due_at: datetime | None = await conn.fetchval(sql, merchant_id)
    return due_at


async def next_due(conn: Conn, merchant_id: str, at: datetime, *, was: datetime | None) -> None:
    """Schedules the next run, unless an import has rescheduled it since this run began."""
    sql = "UPDATE reconciliations SET due_at = $2 WHERE merchant_id = $1 AND due_at = $3"
    await conn.execute(sql, merchant_id, at, was)


async def own(conn: Conn, merchant_id: str) -> None:
    """Prevents other matching for the merchant until the end of the transaction."""
    await conn.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK, merchant_id)


class Overtaken(Exception):  # noqa: N818 - not an error: the run is repeated
    """An import has changed an item while it was being matched."""


async def match(
    conn: Conn, merchant_id: str, stage: Stage, step: Step, now: datetime
) -> AsyncIterator[tuple[int, Sequence[Pair]]]:
    """Yields blocks of the pairs that need further processing, the first one with the number of all
    pairs. Raises Overtaken.
    """
    cursor = await conn.raw.cursor(
        pairs.sql_of(stage, step),
        merchant_id,
        stage.value,
        DEFAULT_TOLERANCE_MINOR,
        DEFAULT_LATE_AFTER_DAYS,
        now,
        timeout=SECONDS,
    )
    count = 0
    while rows := await cursor.fetch(BLOCK, timeout=SECONDS):
        before, count = count, rows[0]["pairs"]
        if (rows[0]["ours_gone"], rows[0]["theirs_gone"]) != (count, count):
            raise Overtaken
        yield count - before, [_PAIRS.read(row) for row in rows if row["ours_id"] is not None]


async def open_of(conn: Conn, merchant_id: str, stage: Stage, side: Side) -> list[OpenItem]:
    """Open items, oldest first: as many as are searched for sums."""
    where = (
        "WHERE merchant_id = $1 AND stage = $2 AND side = $3 ORDER BY happened_on, id"
        f" LIMIT {MOST_SUMMED}"
    )
    return await OPEN_ITEMS.all(conn, where, merchant_id, stage.value, side.value)


async def known_payers(
    conn: Conn, merchant_id: str, theirs_ids: Sequence[str]
) -> dict[str, set[str]]:
    """By line: the parties for which its payer has paid before."""
    rows = await conn.fetch(
        "SELECT line.id, matches.party FROM bank_lines AS line JOIN bank_lines AS before"
        " ON before.merchant_id = $1 AND (before.counterparty_account = line.counterparty_account"
        "  OR line.counterparty_account IS NULL AND before.counterparty_name = line.counterparty_name)"
        " JOIN matches ON matches.merchant_id = $1 AND matches.theirs_id = before.id"
        " WHERE line.merchant_id = $1 AND line.id = ANY ($2) GROUP BY line.id, matches.party",
        merchant_id,
        list(theirs_ids),
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["id"], set()).add(row["party"])
    return found


async def add(conn: Conn, matches: Sequence[Match]) -> None:
    if matches:
        columns = ", ".join(_KINDS)
        marks = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_KINDS.values(), 1))
        await conn.execute(
            f"INSERT INTO matches ({columns}) SELECT * FROM unnest({marks})",  # noqa: S608 - made of constants
            *MATCHES.arrays(matches, *_KINDS),
        )


_KINDS: Final = {
    "merchant_id": "text",
    "id": "text",
    "stage": "text",
    "rule": "text",
    "ours_id": "text",
    "theirs_id": "text",
    "kind": "text",
    "party": "text",
    "currency": "text",
    "amount_minor": "bigint",
    "difference_minor": "bigint",
    "payment_id": "text",
    "order_reference": "text",
    "trace_id": "text",
    "happened_on": "date",
    "matched_by": "text",
    "created_at": "timestamptz",
}
