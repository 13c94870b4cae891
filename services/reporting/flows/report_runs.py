"""Report runs: a worker writes the file to disk, then stores it in pieces in one transaction.

A run belongs to the worker that claimed it last: if a worker is killed or goes silent, another one
starts the run over, and anything the first one still writes is discarded.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from libs import clock, context, idempotency, ids, telemetry, threads
from libs.db import Conn
from libs.due import DueRow
from libs.errors import required
from libs.idempotency import Key
from libs.logs import log
from libs.spool import Spool
from libs.tables import writing
from libs.tables.model import Format, Row
from libs.tasks import cancel
from services.reporting import events
from services.reporting.deps import Deps
from services.reporting.errors import ReportRunNotFound, ReportRunsPending
from services.reporting.flows import reports
from services.reporting.rules import report_runs as rules
from services.reporting.rules.report_runs import FailedReason, ReportRun, RunState, TooLargeError
from services.reporting.rules.tables import Asked, Report
from services.reporting.store import report_rows
from services.reporting.store import report_runs as store
from services.reporting.store.report_runs import RUNS
from services.reporting.store.schedules import SCHEDULES
from services.reporting.store.tables.registry import REPORTS

BEAT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class CreateReportRun:
    report: str
    format: Format
    booked_from: date | None
    booked_to: date | None
    currency: str | None


async def create_run(deps: Deps, cmd: CreateReportRun, key: Key | None) -> ReportRun:
    """Raises ReportNotFound, ReportRunsPending, InvalidArgument."""
    merchant_id = context.merchant_id()

    async def create(tx: Conn, run_id: str) -> None:
        wanted = Asked(cmd.booked_from, cmd.booked_to, cmd.currency)
        _, asked = await reports.checked(deps, tx, cmd.report, wanted)
        if await store.pending(tx, merchant_id) >= rules.MOST_PENDING:
            raise ReportRunsPending
        await store.add(tx, queued(deps, run_id, cmd.report, cmd.format, asked))

    made = await idempotency.once(deps.db, key, ids.new("rrn"), create)
    return required(await deps.db.run(RUNS.get, merchant_id, made.resource_id), ReportRunNotFound)


def queued(
    deps: Deps,
    run_id: str,
    report: str,
    form: Format,
    asked: Asked,
    *,
    schedule_id: str | None = None,
) -> ReportRun:
    return ReportRun(
        merchant_id=context.merchant_id(),
        id=run_id,
        state=RunState.QUEUED,
        report=report,
        format=form,
        booked_from=asked.booked_from,
        booked_to=asked.booked_to,
        currency=asked.currency,
        schedule_id=schedule_id,
        created_by=context.current().actor,
        trace_id=telemetry.trace_id(),
        created_at=deps.clock.now(),
        due_at=clock.world_now(),
    )


async def work(deps: Deps, due: DueRow) -> None:
    """Writes a run's file. Passes on errors from reading the rows: the run is then claimed again."""
    run = await deps.db.run(RUNS.get, due.merchant_id, due.id)
    if run is None or run.state is not RunState.RUNNING:
        return
    if run.attempts > rules.MOST_ATTEMPTS:
        await _fail(deps, run, FailedReason.GIVEN_UP)
        return
    async with Spool.opened() as spool:
        writer = _Writer(deps, run, REPORTS[run.report], spool)
        beat = asyncio.create_task(writer.beat())
        try:
            await writer.write()
            await writer.keep()
        except TooLargeError:
            await _fail(deps, run, FailedReason.TOO_LARGE)
        finally:
            await cancel([beat])


async def _fail(deps: Deps, run: ReportRun, reason: FailedReason) -> None:
    async with deps.db.transaction() as tx:
        if await store.failed(tx, run, reason, deps.clock.now()):
            await _announce(deps, tx, run)


async def _announce(deps: Deps, tx: Conn, run: ReportRun) -> None:
    ended = required(await RUNS.get(tx, run.merchant_id, run.id), ReportRunNotFound)
    recipients: Sequence[str] = ()
    if run.schedule_id:
        schedule = await SCHEDULES.get(tx, run.merchant_id, run.schedule_id)
        recipients = schedule.emails if schedule else ()
    await events.report_finished(tx, ended, recipients, deps.clock.now())


@dataclass(slots=True)
class _Writer:
    deps: Deps
    run: ReportRun
    report: Report
    spool: Spool
    rows: int = field(default=0)

    async def write(self) -> None:
        """Raises TooLargeError."""
        async with self.deps.db.snapshot() as conn:
            found = report_rows.batches(conn, self.report, self.run.merchant_id, self.run.asked)
            pieces = writing.write(self.report.table(), self.run.format, self._counted(found))
            async for piece in pieces:
                await self.spool.write(piece)
                if self.spool.size_bytes > rules.MOST_BYTES:
                    raise TooLargeError
        await self.spool.flush()

    async def _counted(self, batches: AsyncIterator[Sequence[Any]]) -> AsyncIterator[Sequence[Row]]:
        async for found in batches:
            self.rows += len(found)
            yield self.report.rows(found)

    async def beat(self) -> None:
        """Keeps reporting progress, and renews the lease."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            async with self.deps.db.connection() as conn:
                await store.beat(conn, self.run, rows=self.rows, lease=rules.LEASE)

    async def keep(self) -> None:
        """Stores the whole file, or nothing if another worker has taken over."""
        run, now = self.run, self.deps.clock.now()
        async with self.deps.db.transaction() as tx:
            held = await store.done(
                tx,
                run,
                rows=self.rows,
                size_bytes=self.spool.size_bytes,
                at=now,
                until=run.created_at + rules.KEPT,
            )
            if not held:
                log.info("another worker has taken over the report", report_run_id=run.id)
                return
            with self.spool.read() as file:
                number = 0
                while data := await threads.run(file.read, rules.PIECE_BYTES):
                    await store.add_piece(tx, run, number, data)
                    number += 1
            await _announce(self.deps, tx, run)
