"""Report schedules: when the next report is due, and which days it covers. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from libs.tables.model import Format

MOST: Final = 50  # active schedules per merchant


class ScheduleState(Enum):
    ACTIVE = "active"
    STOPPED = "stopped"


class Every(Enum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSchedule:
    merchant_id: str
    id: str
    state: ScheduleState
    report: str
    format: Format
    currency: str | None
    every: Every
    hour: int
    emails: tuple[str, ...]
    created_by: str
    created_at: datetime
    due_at: datetime | None


def due_after(every: Every, hour: int, after: datetime, zone: ZoneInfo) -> datetime:
    """The first due time after `after`, at this hour of the merchant's day."""
    day = _first_day(every, after.astimezone(zone).date())
    while (due := _at(day, hour, zone)) <= after:
        day = _next(every, day)
    return due


def period_of(every: Every, due_at: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The first and last day of the report due at this time: the day, week or month before."""
    until = _first_day(every, due_at.astimezone(zone).date()) - timedelta(days=1)
    return _first_day(every, until), until


def _at(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """An hour skipped by a change to summer time becomes the hour after it."""
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def _first_day(every: Every, day: date) -> date:
    match every:
        case Every.DAY:
            return day
        case Every.WEEK:
            return day - timedelta(days=day.weekday())
        case Every.MONTH:
            return day.replace(day=1)
        case _:
            assert_never(every)


def _next(every: Every, day: date) -> date:
    """The first day of the next period. `day`: the first day of its period."""
    return _first_day(every, day + {Every.DAY: _DAY, Every.WEEK: _WEEK}.get(every, _MONTH))


_DAY, _WEEK, _MONTH = timedelta(days=1), timedelta(days=7), timedelta(days=31)
