"""Reports: lists them, and reads their first rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from libs import context
from libs.db import Conn
from libs.errors import required
from services.reporting.deps import Deps
from services.reporting.errors import ReportNotFound, ReportTooLong
from services.reporting.flows import days
from services.reporting.rules import tables as rules
from services.reporting.rules.tables import Asked, FirstRows, Report, ShownReport
from services.reporting.store import report_rows as store
from services.reporting.store.tables.registry import REPORTS

LIMIT: Final = 100
SECONDS: Final = 10.0  # for the first rows; most reports sum up the whole period first


async def list_reports(deps: Deps) -> Sequence[ShownReport]:
    return [rules.shown(report) for report in REPORTS.values()]


@dataclass(frozen=True, slots=True)
class AskedRows:
    report: str
    booked_from: date | None
    booked_to: date | None
    currency: str | None
    limit: int | None


async def first_rows(deps: Deps, wanted: AskedRows) -> FirstRows:
    """Raises ReportNotFound, ReportTooLong, InvalidArgument."""
    return await rows_within(deps, wanted, SECONDS)


async def rows_within(deps: Deps, wanted: AskedRows, seconds: float) -> FirstRows:
    most = wanted.limit or LIMIT
    asked = Asked(wanted.booked_from, wanted.booked_to, wanted.currency)
    async with deps.db.snapshot() as conn:
        found, asked = await checked(deps, conn, wanted.report, asked)
        merchant_id = context.merchant_id()
        try:
            rows = await store.first(conn, found, merchant_id, asked, most + 1, seconds=seconds)
        except TimeoutError as error:
            raise ReportTooLong from error
    return rules.first_rows(found, rows, most)


async def checked(deps: Deps, conn: Conn, name: str, asked: Asked) -> tuple[Report, Asked]:
    """The report, and its filters with the last day filled in. Raises ReportNotFound, InvalidArgument."""
    report = required(REPORTS.get(name), ReportNotFound)
    zone = await days.zone_of(conn, context.merchant_id())
    return report, rules.checked(report, asked, deps.clock.now().astimezone(zone).date())
