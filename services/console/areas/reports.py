"""Reports: on the page, as a file, and on a schedule."""

import asyncio
from typing import Any, Final
from zoneinfo import ZoneInfo

from incasso.reporting.v1 import reports_pb2
from libs.errors import invalid, required
from services.console.errors import ReportUnknown
from services.console.listing import enum_value
from services.console.page import Html, Page, See, Sent, get, post
from services.console.rules.cells import Column, cells
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "reports"
FORMATS: Final = ("xlsx", "csv", "parquet")
FILTERS: Final = ("booked_from", "booked_to", "currency")
PERIODS: Final = ("day", "week", "month")
SHOWN_ROWS: Final = 100
MOST_RUNS: Final = 20
MOST_SCHEDULES: Final = 50
UNDER_WAY: Final = frozenset(["queued", "running"])


async def listed(visit: Visit) -> Html:
    """All reports, the latest files and the schedules."""
    reports, runs, schedules = await asyncio.gather(
        visit.ask(reports_pb2.ListReportsRequest()),
        visit.ask(reports_pb2.ListReportRunsRequest(limit=MOST_RUNS)),
        visit.ask(reports_pb2.ListReportSchedulesRequest(limit=MOST_SCHEDULES)),
    )
    active = reports_pb2.ReportSchedule.STATE_ACTIVE
    return Html(
        "reports.html",
        {
            "reports": reports.data,
            "runs": runs.data,
            "schedules": [one for one in schedules.data if one.state == active],
            "writes": visit.who.holds("reports:write"),
        },
    )


async def one(visit: Visit) -> Html:
    """A report's first rows, filtered by the query, so that the URL can be kept as a link."""
    report = await _report(visit)
    chosen = _filters(visit, report)
    request = reports_pb2.GetReportRowsRequest(report=report.name, limit=SHOWN_ROWS, **chosen)
    answer = await visit.ask(request)
    columns = [Column(column.name, enum(column, "type")) for column in answer.columns]
    return Html(
        "report.html",
        {
            "report": report,
            "chosen": {**dict.fromkeys(FILTERS, ""), **chosen},
            "columns": columns,
            "rows": [cells(columns, row.values, visit.language) for row in answer.data],
            "has_more": answer.has_more,
            "formats": FORMATS,
            "periods": PERIODS,
            "writes": visit.who.holds("reports:write"),
        },
    )


async def export(visit: Visit) -> See:
    """Creates a file of all rows, with the filters shown."""
    report = await _report(visit)
    request = reports_pb2.CreateReportRunRequest(
        report=report.name, format=_format(visit), **_filters(visit, report)
    )
    answer = await visit.change(request, subject=report.name)
    return See(f"/reports/runs/{answer.run.id}")


async def run(visit: Visit) -> Html:
    """The progress of a report's file."""
    wanted = reports_pb2.GetReportRunRequest(run_id=visit.part("run_id"))
    found = (await visit.ask(wanted)).run
    state = enum(found, "state")
    return Html("report_run.html", {"run": found, "state": state, "live": state in UNDER_WAY})


async def file(visit: Visit) -> Sent:
    request = reports_pb2.DownloadReportRunRequest(run_id=visit.part("run_id"))
    return Sent(await visit.download(request))


async def schedule(visit: Visit) -> See:
    """Schedules the report, to be sent to the addresses."""
    report = await _report(visit)
    every = enum_value(reports_pb2.ReportPeriod, visit.typed("every"))
    if every is None:
        raise invalid("every", visit.word("every_missing"))
    request = reports_pb2.CreateReportScheduleRequest(
        report=report.name,
        format=_format(visit),
        currency=visit.asked("currency") or None,
        every=every,
        hour=visit.number("hour"),
        emails=visit.typed("emails").replace(",", " ").split(),
    )
    await visit.change(request, subject=report.name)
    return See("/reports", notice="scheduled")


async def stop(visit: Visit) -> See:
    schedule_id = visit.part("schedule_id")
    request = reports_pb2.StopReportScheduleRequest(schedule_id=schedule_id)
    await visit.change(request, subject=schedule_id)
    return See("/reports", notice="stopped")


async def _report(visit: Visit) -> reports_pb2.Report:
    """The report named in the path."""
    answer = await visit.ask(reports_pb2.ListReportsRequest())
    named = (found for found in answer.data if found.name == visit.part("report"))
    found: reports_pb2.Report = required(next(named, None), ReportUnknown)
    return found


def _filters(visit: Visit, report: reports_pb2.Report) -> dict[str, str]:
    """The requested filters that the report supports; by default, this month until today."""
    today = visit.now().astimezone(ZoneInfo(visit.time_zone)).date()
    usual = {"booked_from": today.replace(day=1), "booked_to": today, "currency": ""}
    found = {name: visit.asked(name) or str(usual[name]) for name in report.filters}
    return {name: value for name, value in found.items() if value}


def _format(visit: Visit) -> Any:
    found = enum_value(reports_pb2.ReportFormat, visit.typed("format"))
    if found is None:
        raise invalid("format", visit.word("format_missing"))
    return found


LISTS: Final = (
    "reporting.ListReports",
    "reporting.ListReportRuns",
    "reporting.ListReportSchedules",
)
READS: Final = ("reporting.ListReports", "reporting.GetReportRows")
PAGES: Final[tuple[Page, ...]] = (
    get("/reports", listed, AREA, *LISTS),
    get("/reports/runs/{run_id}", run, AREA, "reporting.GetReportRun"),
    get("/reports/runs/{run_id}/file", file, AREA, "reporting.DownloadReportRun", is_file=True),
    post(
        "/reports/schedules/{schedule_id}/stop",
        stop,
        AREA,
        *LISTS,
        "reporting.StopReportSchedule",
        again=listed,
    ),
    get("/reports/{report}", one, AREA, *READS, filters=FILTERS),
    post("/reports/{report}/runs", export, AREA, *READS, "reporting.CreateReportRun", again=one),
    post(
        "/reports/{report}/schedules",
        schedule,
        AREA,
        *READS,
        "reporting.CreateReportSchedule",
        again=one,
    ),
)
