"""`make bench-reconciliation`: a reconciliation run over 10,000, 100,000 and 1,000,000 payments and as many PSP report lines.

For comparison, on the same server and tables before each run: a join that only counts, and plain SQL that does the minimum
of matching, which is to insert the pairs into a table with three indexes and to delete the open items. PostgreSQL runs with
fsync on; neither side uses parallel workers. CPU time is that of the connection's server process, so that it is meaningful on a
busy machine. Writes bench/results/reconciliation.json.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from bench.ledger import durable_postgres, opened
from bench.memory import MEBI, grown, settle
from bench.reconciliation_books import MERCHANT, fill
from libs import context, db, terminal
from libs.clock import Clock
from libs.db import Conn, Database
from services.reporting.deps import Deps
from services.reporting.flows.reconciling import reconcile
from services.reporting.store.matching import WORK_MEMORY
from stack.postgres import Postgres

RESULTS: Final = Path(__file__).parent / "results" / "reconciliation.json"
SIZES: Final = (10_000, 100_000, 1_000_000)
TICKS: Final = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS: Final = 0.02
HOURS: Final = 3600.0
_JOIN: Final = """FROM open_items AS ours JOIN open_items AS theirs ON ours.payment_reference = theirs.payment_reference
    AND ours.kind = theirs.kind AND ours.party = theirs.party AND ours.currency = theirs.currency
    AND ours.amount_minor = theirs.amount_minor
WHERE ours.merchant_id = 'mer_bench' AND theirs.merchant_id = 'mer_bench' AND ours.stage = 'psp' AND theirs.stage = 'psp'
    AND ours.side = 'ours' AND theirs.side = 'theirs'"""
COUNTED: Final = f"SELECT count(*) {_JOIN}"
# Runs in a transaction that is rolled back.
DONE: Final = f"""
WITH pairs AS MATERIALIZED (
    SELECT ours.ctid AS ours_at, theirs.ctid AS theirs_at, ours.id AS ours_id, theirs.id AS theirs_id, ours.kind, ours.party,
        ours.currency, ours.amount_minor, ours.payment_id, ours.order_reference, ours.trace_id, theirs.happened_on {_JOIN}
), gone_ours AS (DELETE FROM open_items USING pairs WHERE open_items.ctid = ours_at
), gone_theirs AS (DELETE FROM open_items USING pairs WHERE open_items.ctid = theirs_at)
INSERT INTO matches (merchant_id, id, stage, rule, ours_id, theirs_id, kind, party, currency, amount_minor, difference_minor,
    payment_id, order_reference, trace_id, happened_on, matched_by, created_at)
SELECT 'mer_bench', 'mat' || substr(theirs_id, 4), 'psp', 'reference', ours_id, theirs_id, kind, party, currency, amount_minor, 0,
    payment_id, order_reference, trace_id, happened_on, 'bench', now() FROM pairs"""  # noqa: S608 - made of constants


@dataclass(frozen=True)
class Meter:
    """Measures a pool's only connection from another one."""

    watching: Conn
    pid: int

    @asynccontextmanager
    async def of(self, into: dict[str, float]) -> AsyncIterator[None]:
        """Elapsed seconds, CPU seconds of the server process, WAL, and the peak of its private memory."""
        before = await self.watching.fetchval("SELECT pg_current_wal_insert_lsn()")
        most, cpu, began = [0], _cpu(self.pid), time.perf_counter()
        looking = asyncio.create_task(_look(self.pid, most))
        yield
        into["seconds"] = round(time.perf_counter() - began, 2)
        into["cpu_seconds"] = round(_cpu(self.pid) - cpu, 2)
        into["most_mib"] = round(most[0] / MEBI)
        sql = "SELECT (pg_current_wal_insert_lsn() - $1::pg_lsn)::float8"
        into["wal_mb"] = round(await self.watching.fetchval(sql, before) / 10**6)
        looking.cancel()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _held(pid: int) -> int:
    """RssAnon in KiB, which excludes shared buffers."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


async def _look(pid: int, most: list[int]) -> None:
    while True:
        most[0] = max(most[0], _held(pid))
        await asyncio.sleep(LOOK_SECONDS)


async def of_size(server: Postgres, payments: int, say: Callable[[str], None]) -> dict[str, Any]:
    name = f"of_{payments}"
    beside = await opened(server, name)
    alone = await db.connect(server.url(name), pool_size=1, service="bench", statement_seconds=None)
    found: dict[str, Any] = {"payments": payments}
    try:
        async with beside.connection() as watching:
            say(f"writing {payments:,} payments and as many lines")
            found["items"] = await fill(watching, payments)
            pid = await alone.run(_prepared)
            meter = Meter(watching, pid)
            say(f"joining {payments:,} payments with as many lines")
            await alone.run(_bare, meter, found)
            say(f"reconciling {payments:,} payments with as many lines")
            await _ours(alone, meter, found)
    finally:
        await alone.close()
        await beside.close()
    for what in ("counted", "written"):
        found[f"ratio_to_{what}"] = round(found["run"]["seconds"] / found[what]["seconds"], 1)
        cpu = found["run"]["cpu_seconds"] / max(found[what]["cpu_seconds"], 1 / TICKS)
        found[f"cpu_ratio_to_{what}"] = round(cpu, 1)
    return found


async def _prepared(conn: Conn) -> int:
    await conn.execute(f"SET work_mem = '{WORK_MEMORY}'")
    await conn.execute("SET max_parallel_workers_per_gather = 0")
    pid: int = await conn.fetchval("SELECT pg_backend_pid()")
    return pid


async def _bare(conn: Conn, meter: Meter, found: dict[str, Any]) -> None:
    await conn.raw.execute(COUNTED, timeout=HOURS)  # warms the cache
    found["counted"], found["written"] = {}, {}
    async with meter.of(found["counted"]):
        await conn.raw.execute(COUNTED, timeout=HOURS)
    transaction = conn.raw.transaction()
    await transaction.start()
    async with meter.of(found["written"]):
        await conn.raw.execute(DONE, timeout=HOURS)
    await transaction.rollback()
    for sql in ("VACUUM ANALYZE open_items, matches", "CHECKPOINT"):
        await conn.raw.execute(sql, timeout=HOURS)


async def _ours(database: Database, meter: Meter, found: dict[str, Any]) -> None:
    """Reconciles with the service's own flow."""
    unasked: Any = None  # neither paylink nor payments is called here
    context.set_current(context.Call(merchant_id=MERCHANT, actor="bench"))
    found["run"], before = {}, settle()
    async with meter.of(found["run"]):
        done = await reconcile(Deps(database, Clock(), unasked, unasked))
    found["process_grew_mib"] = round((grown() - before) / MEBI)
    found["matched"], found["exceptions"] = done.matched, done.open_exceptions


def main(
    sizes: Annotated[list[int] | None, typer.Argument(help="payments", min=1000)] = None,
) -> None:
    console, results = Console(), []
    for payments in sizes or SIZES:
        with durable_postgres() as server, console.status("") as status:
            busy = os.getloadavg()[0]
            found = asyncio.run(of_size(server, payments, status.update))
        results.append({"load_before": round(busy, 1), **found})
        console.print_json(data=results[-1])
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
