"""Report runs: each produces one file. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final

from libs.tables.model import Format
from services.reporting.rules.tables import Asked

KEPT: Final = timedelta(days=30)  # how long the file is kept
LEASE: Final = timedelta(seconds=60)  # without a renewal, another worker takes over the run
MOST_ATTEMPTS: Final = 5
MOST_BYTES: Final = 2**30
MOST_PENDING: Final = 20  # of one merchant
PIECE_BYTES: Final = 2**20


class RunState(Enum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"  # its file was deleted


class FailedReason(Enum):
    TOO_LARGE = "too_large"
    GIVEN_UP = "given_up"  # after several attempts


class TooLargeError(Exception):
    """A file above MOST_BYTES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun:
    """`attempts`: how often workers have claimed it; only the latest one may write."""

    merchant_id: str
    id: str
    state: RunState
    report: str
    format: Format
    booked_from: date | None
    booked_to: date | None
    currency: str | None
    rows: int = 0
    size_bytes: int = 0
    failed_reason: FailedReason | None = None
    schedule_id: str | None = None
    created_by: str
    trace_id: str
    created_at: datetime
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    attempts: int = 0
    due_at: datetime | None = None

    @property
    def asked(self) -> Asked:
        return Asked(self.booked_from, self.booked_to, self.currency)

    @property
    def file_name(self) -> str:
        days = [day.isoformat() for day in (self.booked_from, self.booked_to) if day]
        return f"{'_'.join((self.report, *days))}.{self.format.value}"
