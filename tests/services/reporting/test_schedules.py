"""Scheduled reports: run by the merchant's clock, and once per due time."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incasso.reporting.v1 import events_pb2, reports_pb2
from libs import clock, context
from libs.due import DueRow
from libs.errors import RemoteRefusal
from services.reporting import worker
from services.reporting.flows import schedules
from services.reporting.rules.schedules import MOST, Every, due_after, period_of
from tests.kit.mortal import KilledError, Mortal

ROME = ZoneInfo("Europe/Rome")
DAILY = {
    "report": "daily_sales",
    "format": "REPORT_FORMAT_CSV",
    "every": "REPORT_PERIOD_DAY",
    "hour": 6,
    "emails": ["finance@example.com"],
}


def at(text: str, zone: Any = UTC) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("every", "after", "due", "first", "last"),
    [
        (Every.DAY, "2026-11-26T05:59", "2026-11-26T06:00", "2026-11-25", "2026-11-25"),
        (Every.DAY, "2026-11-26T06:00", "2026-11-27T06:00", "2026-11-26", "2026-11-26"),
        (Every.WEEK, "2026-11-26T12:00", "2026-11-30T06:00", "2026-11-23", "2026-11-29"),
        (Every.MONTH, "2026-12-31T12:00", "2027-01-01T06:00", "2026-12-01", "2026-12-31"),
        (Every.MONTH, "2026-03-01T05:00", "2026-03-01T06:00", "2026-02-01", "2026-02-28"),
    ],
)
def test_a_report_is_due_at_the_merchants_hour_and_covers_the_previous_period(
    every, after, due, first, last
):
    found = due_after(every, 6, at(after, ROME), ROME)
    assert found == at(due, ROME)
    assert period_of(every, found, ROME) == (date.fromisoformat(first), date.fromisoformat(last))


def test_an_hour_skipped_or_repeated_by_daylight_saving_is_due_once_that_day():
    for day in ("2026-03-29", "2026-10-25"):
        due = due_after(Every.DAY, 2, at(f"{day}T00:00", ROME), ROME)
        assert due.astimezone(ROME).date().isoformat() == day
        following = due_after(Every.DAY, 2, due, ROME)
        assert following.astimezone(ROME).date() == date.fromisoformat(day) + timedelta(days=1)


async def created(world, **more: Any) -> Any:
    return (await world.call("CreateReportSchedule", **{**DAILY, **more})).schedule


async def runs_of(world, schedule: Any) -> list[tuple[str, str]]:
    found = (await world.call("ListReportRuns", schedule_id=schedule.id)).data
    return sorted((run.booked_from, run.booked_to) for run in found)


def days_later(world, days: int) -> None:
    world.now += timedelta(days=days)
    ahead = int((world.now - clock.world_now()).total_seconds())
    context.act_for("reporting", world.merchant_id, ahead)


async def test_a_due_schedule_makes_one_run_of_the_previous_day(world):
    schedule = await created(world)
    row = DueRow(world.merchant_id, schedule.id)
    days_later(world, 1)
    for _ in range(2):
        await schedules.fall_due(world.deps, row)
    assert await runs_of(world, schedule) == [("2026-11-21", "2026-11-21")]


async def test_runs_missed_during_an_outage_are_caught_up(world):
    schedule = await created(world)
    days_later(world, 3)
    for _ in range(5):
        await schedules.fall_due(world.deps, DueRow(world.merchant_id, schedule.id))
        days_later(world, 0)
    assert [first for first, _ in await runs_of(world, schedule)] == [
        "2026-11-21",
        "2026-11-22",
        "2026-11-23",
    ]


@pytest.mark.parametrize("statements", range(5))
async def test_a_due_schedule_makes_one_run_wherever_its_worker_dies(world, statements):
    schedule = await created(world)
    row = DueRow(world.merchant_id, schedule.id)
    days_later(world, 1)
    with suppress(KilledError):
        await schedules.fall_due(replace(world.deps, db=Mortal(world.deps.db, statements)), row)
    await schedules.fall_due(world.deps, row)
    assert await runs_of(world, schedule) == [("2026-11-21", "2026-11-21")]


async def test_the_worker_finds_schedules_due_by_a_test_clock(world):
    world.now = clock.world_now()
    schedule = await created(world)
    async with world.deps.db.connection() as conn:
        await clock.follow(conn, world.merchant_id, 2 * 24 * 3600)
    while not await runs_of(world, schedule):
        assert await worker.schedule_worker(world.deps).run_once()


async def test_a_stopped_schedule_makes_no_runs(world):
    schedule = await created(world)
    for _ in range(2):
        stopped = (await world.call("StopReportSchedule", schedule_id=schedule.id)).schedule
        assert stopped.state == reports_pb2.ReportSchedule.STATE_STOPPED
    days_later(world, 1)
    await schedules.fall_due(world.deps, DueRow(world.merchant_id, schedule.id))
    assert await runs_of(world, schedule) == []


async def test_a_scheduled_balance_is_as_of_the_periods_last_day(world):
    schedule = await created(world, report="trial_balance", every="REPORT_PERIOD_MONTH")
    days_later(world, 10)
    await schedules.fall_due(world.deps, DueRow(world.merchant_id, schedule.id))
    assert await runs_of(world, schedule) == [("", "2026-11-30")]


async def test_excess_schedules_and_unknown_ids_are_refused(world):
    for _ in range(MOST):
        await created(world)
    for refused, asked in {
        "report_schedules_exhausted": DAILY,
        "report_not_found": {**DAILY, "report": "none"},
    }.items():
        with pytest.raises(RemoteRefusal) as caught:
            await world.call("CreateReportSchedule", **asked)
        assert caught.value.reason == refused
    with pytest.raises(RemoteRefusal) as caught:
        await world.call("StopReportSchedule", schedule_id="rsc_none")
    assert caught.value.reason == "report_schedule_not_found"


@pytest.mark.parametrize("emails", [[], ["finance@example.com", "owner@example.com"]])
async def test_a_finished_report_is_announced_and_each_address_gets_one_message(world, emails):
    schedule = await created(world, emails=emails)
    days_later(world, 1)
    await schedules.fall_due(world.deps, DueRow(world.merchant_id, schedule.id))
    while await worker.report_worker(world.deps).run_once():
        pass
    async with world.deps.db.connection() as conn:
        published = await conn.fetch(
            "SELECT subject, body FROM outbox WHERE merchant_id = $1 ORDER BY seq",
            world.merchant_id,
        )
    public, *mails = published
    assert public["subject"] == "incasso.reporting.report.finished"
    finished = events_pb2.ReportFinished.FromString(public["body"])
    assert finished.run.state == reports_pb2.ReportRun.STATE_DONE
    assert b"example.com" not in public["body"]
    found = [events_pb2.ReportMessageRequested.FromString(each["body"]) for each in mails]
    assert [each.recipient for each in found] == emails
    assert all(each.run == finished.run for each in found)
