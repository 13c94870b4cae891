"""Report schedules: each due time creates one run, in the transaction that moves the due time."""

from dataclasses import dataclass
from datetime import date

from libs import context, idempotency, ids
from libs.db import Conn
from libs.due import DueRow
from libs.errors import required
from libs.idempotency import Key
from libs.tables.model import Format
from services.reporting.deps import Deps
from services.reporting.errors import (
    ReportNotFound,
    ReportScheduleNotFound,
    ReportSchedulesExhausted,
)
from services.reporting.flows import days
from services.reporting.flows.report_runs import queued
from services.reporting.rules import schedules as rules
from services.reporting.rules.schedules import Every, ReportSchedule, ScheduleState
from services.reporting.rules.tables import Asked, Filter
from services.reporting.store import report_runs
from services.reporting.store import schedules as store
from services.reporting.store.schedules import SCHEDULES
from services.reporting.store.tables.registry import REPORTS


@dataclass(frozen=True, slots=True)
class CreateReportSchedule:
    report: str
    format: Format
    currency: str | None
    every: Every
    hour: int
    emails: tuple[str, ...]


async def create_schedule(deps: Deps, cmd: CreateReportSchedule, key: Key | None) -> ReportSchedule:
    """Raises ReportNotFound, ReportSchedulesExhausted."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    required(REPORTS.get(cmd.report), ReportNotFound)

    async def create(tx: Conn, schedule_id: str) -> None:
        if await store.active(tx, merchant_id) >= rules.MOST:
            raise ReportSchedulesExhausted
        zone = await days.zone_of(tx, merchant_id)
        schedule = ReportSchedule(
            merchant_id=merchant_id,
            id=schedule_id,
            state=ScheduleState.ACTIVE,
            report=cmd.report,
            format=cmd.format,
            currency=cmd.currency,
            every=cmd.every,
            hour=cmd.hour,
            emails=tuple(dict.fromkeys(cmd.emails)),
            created_by=context.current().actor,
            created_at=now,
            due_at=rules.due_after(cmd.every, cmd.hour, now, zone),
        )
        await SCHEDULES.add(tx, schedule)

    made = await idempotency.once(deps.db, key, ids.new("rsc"), create)
    found = await deps.db.run(SCHEDULES.get, merchant_id, made.resource_id)
    return required(found, ReportScheduleNotFound)


async def stop_schedule(deps: Deps, schedule_id: str) -> ReportSchedule:
    """Raises ReportScheduleNotFound."""
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        found = await SCHEDULES.lock(tx, merchant_id, schedule_id)
        await store.stop(tx, required(found, ReportScheduleNotFound))
        stopped = await SCHEDULES.get(tx, merchant_id, schedule_id)
    return required(stopped, ReportScheduleNotFound)


async def fall_due(deps: Deps, due: DueRow) -> None:
    """Creates one run per due time; due times missed during an outage follow one by one."""
    async with deps.db.transaction() as tx:
        schedule = await SCHEDULES.lock(tx, due.merchant_id, due.id)
        if schedule is None or schedule.due_at is None or schedule.due_at > deps.clock.now():
            return
        zone = await days.zone_of(tx, due.merchant_id)
        run = queued(
            deps,
            ids.new("rrn"),
            schedule.report,
            schedule.format,
            _asked(schedule, *rules.period_of(schedule.every, schedule.due_at, zone)),
            schedule_id=schedule.id,
        )
        await report_runs.add(tx, run)
        at = rules.due_after(schedule.every, schedule.hour, schedule.due_at, zone)
        await store.move(tx, schedule, at)


def _asked(schedule: ReportSchedule, first: date, last: date) -> Asked:
    """The filters that the report takes."""
    takes = REPORTS[schedule.report].takes
    return Asked(
        first if Filter.FROM in takes else None,
        last if Filter.TO in takes else None,
        schedule.currency if Filter.CURRENCY in takes else None,
    )
