"""SQL of report runs and the pieces of their files."""

from datetime import datetime
from typing import Final

from libs.db import Conn
from libs.queues import CLOCK_OFFSET, Queue
from libs.rows import Table
from services.reporting.rules.report_runs import FailedReason, ReportRun

RUNS: Final = Table("report_runs", ReportRun)
# $4 is the lease. A silent worker's run starts over from the beginning.
CLAIM: Final = Queue("report_runs").claim(f"""
, held AS (
    UPDATE report_runs SET state = 'running', attempts = attempts + 1, rows = 0,
        due_at = now() + $4::interval
    FROM due WHERE report_runs.merchant_id = due.merchant_id AND report_runs.id = due.id
    RETURNING report_runs.merchant_id, report_runs.id
)
SELECT merchant_id, id, {CLOCK_OFFSET} FROM held LEFT JOIN test_clocks USING (merchant_id)""")  # noqa: S608 - made of constants
_HELD: Final = "state = 'running' AND attempts = $3"
_PIECE: Final = "INSERT INTO report_pieces (merchant_id, run_id, number, data, created_at)"


async def add(conn: Conn, run: ReportRun) -> bool:
    """False if the run already exists."""
    return await conn.execute(f"{RUNS.insert()} ON CONFLICT DO NOTHING", *RUNS.values(run)) == 1


async def pending(conn: Conn, merchant_id: str) -> int:
    where = "WHERE merchant_id = $1 AND due_at IS NOT NULL"
    return await RUNS.count(conn, where, merchant_id)


async def beat(conn: Conn, run: ReportRun, *, rows: int, lease: object) -> bool:
    """Stores progress and renews the lease; False if another worker has taken over."""
    return await RUNS.change(
        conn, run, "rows = $4, due_at = now() + $5::interval", run.attempts, rows, lease, only=_HELD
    )


async def done(
    conn: Conn, run: ReportRun, *, rows: int, size_bytes: int, at: datetime, until: datetime
) -> bool:
    """Called in the transaction that adds the pieces; False if another worker has taken over."""
    return await RUNS.change(
        conn,
        run,
        "state = 'done', rows = $4, size_bytes = $5, ended_at = $6, expires_at = $7, due_at = NULL",
        run.attempts,
        rows,
        size_bytes,
        at,
        until,
        only=_HELD,
    )


async def failed(conn: Conn, run: ReportRun, reason: FailedReason, at: datetime) -> bool:
    return await RUNS.change(
        conn,
        run,
        "state = 'failed', failed_reason = $4, ended_at = $5, due_at = NULL",
        run.attempts,
        reason.value,
        at,
        only=_HELD,
    )


async def add_piece(conn: Conn, run: ReportRun, number: int, data: bytes) -> None:
    await conn.execute(
        f"{_PIECE} VALUES ($1, $2, $3, $4, $5)",
        run.merchant_id,
        run.id,
        number,
        data,
        run.created_at,
    )


async def piece(conn: Conn, run: ReportRun, number: int) -> bytes | None:
    data: bytes | None = await conn.fetchval(
        "SELECT data FROM report_pieces WHERE merchant_id = $1 AND run_id = $2 AND number = $3",
        run.merchant_id,
        run.id,
        number,
    )
    return data
