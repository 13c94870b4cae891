"""The entry points for events, which are handled in batches, and for due rows."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from libs import due as due_rows
from libs.bus import Event
from libs.consumer import BatchHandler, Handler
from libs.db import Conn
from libs.due import DueWorker
from libs.payments import due
from libs.payments.due import DueRow
from services.reporting import courier_events, fact_events, feed_events, kpi_events, zone_events
from services.reporting.deps import Deps
from services.reporting.flows import (
    booking,
    feeding,
    ingesting,
    kpi_facts,
    link_transfers,
    reconciling,
    remittances,
    report_runs,
    schedules,
)
from services.reporting.flows.ingesting import ZoneOf
from services.reporting.rules.report_runs import LEASE
from services.reporting.store import feeds, matching
from services.reporting.store import report_runs as report_runs_store
from services.reporting.store import schedules as schedules_store

SERVICE: Final = "reporting"
_SUBJECTS: Final = {
    *fact_events.SUBJECTS,
    *zone_events.SUBJECTS,
    *courier_events.SUBJECTS,
    *kpi_events.SUBJECTS,
}


def handlers(zone_of: ZoneOf) -> dict[str, Handler]:
    """All events but new PSP accounts share one handler: one transaction per batch, few statements."""

    async def keep(conn: Conn, events: Sequence[Event]) -> None:
        bookable = await ingesting.ingest(conn, events, zone_of)
        await booking.book(conn, bookable)
        await booking.expect(conn, bookable, events[-1].occurred_at)
        await remittances.keep(conn, events, zone_of)
        await kpi_facts.keep(conn, events, zone_of)

    return {**dict.fromkeys(_SUBJECTS, BatchHandler(keep)), feed_events.CREATED: feed_events.begin}


def link_transfer_worker(deps: Deps) -> DueWorker[DueRow]:
    """Reports bank lines to paylink, with back-off."""
    report = partial(link_transfers.report, deps)
    return due.worker(SERVICE, deps.db, table="link_transfers", settle=report)


def feed_worker(deps: Deps) -> DueWorker[due_rows.DueRow]:
    """Pulls PSPs' settlements every hour."""
    pull = partial(feeding.pull, deps)
    return due_rows.worker(SERVICE, "feeds", deps.db, feeds.CLAIM, pull, concurrency=4)


def reconciliation_worker(deps: Deps) -> DueWorker[due_rows.DueRow]:
    """Reconciles a merchant after each import and once a day."""

    async def work(_: due_rows.DueRow) -> None:
        await reconciling.reconcile(deps)

    return due_rows.worker(SERVICE, "reconciliation", deps.db, matching.CLAIM, work, concurrency=2)


def report_worker(deps: Deps) -> DueWorker[due_rows.DueRow]:
    """Writes report files."""
    work = partial(report_runs.work, deps)
    return due_rows.worker(
        SERVICE, "report", deps.db, report_runs_store.CLAIM, work, LEASE, concurrency=2
    )


def schedule_worker(deps: Deps) -> DueWorker[due_rows.DueRow]:
    """Creates the scheduled runs, by the merchant's clock."""
    work = partial(schedules.fall_due, deps)
    return due_rows.worker(SERVICE, "report schedule", deps.db, schedules_store.CLAIM, work)
