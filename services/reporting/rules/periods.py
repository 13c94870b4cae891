"""Months of the ledger: which are closed, and where late events are booked. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from services.reporting.errors import PeriodNotOver

FIRST_YEAR, LAST_YEAR = 2020, 2060  # months of these years have their own partitions


class PeriodState(Enum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Period:
    month: str
    state: PeriodState
    closed_at: datetime | None = None
    closed_by: str | None = None


def month_of(text: str) -> date:
    """The first day of a month such as `2026-11`."""
    return date.fromisoformat(f"{text}-01")


def first_day(day: date) -> date:
    return day.replace(day=1)


def after(month: date) -> date:
    """The first day of the next month."""
    return first_day(month + timedelta(days=31))


def booked_on(happened_on: date, *, closed: date | None) -> date:
    """`closed`: the last closed month. Events up to its end are booked on the first open day."""
    return happened_on if closed is None else max(happened_on, after(closed))


def check_over(month: date, today: date) -> None:
    """Raises PeriodNotOver."""
    if today < after(month):
        raise PeriodNotOver


def partitioned(day: date) -> bool:
    return FIRST_YEAR <= day.year <= LAST_YEAR
