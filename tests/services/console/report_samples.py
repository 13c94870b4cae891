"""What reporting answers in the console's tests about reports and imports."""

from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.message import Message

from incasso.reporting.v1 import imports_pb2, reports_pb2
from libs.clock import world_now
from libs.downloads import Download
from tests.services.console.sales_samples import sales
from tests.services.console.samples import TRACE, stamp

RUN_ID = "rrn_06f2kz0d1x8q5v7m3n4b6c9a2e"
SCHEDULE_ID = "rsc_06f2kz0d1x8q5v7m3n4b6c9a2e"
IMPORT_ID = "imp_06f2kz0d1x8q5v7m3n4b6c9a2e"
REPORT = "instalment_ageing"
CONTENT_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KIND = reports_pb2


def run(state: int = reports_pb2.ReportRun.STATE_DONE, **more: Any) -> reports_pb2.ReportRun:
    values = {
        "id": RUN_ID,
        "state": state,
        "report": REPORT,
        "format": reports_pb2.REPORT_FORMAT_XLSX,
        "booked_to": "2026-11-27",
        "rows": 1200,
        "created_at": stamp(),
    }
    return reports_pb2.ReportRun(**(values | more))


def rows(request: reports_pb2.GetReportRowsRequest) -> Message:
    """Sales by day, or amounts owed by customers."""
    if request.report == "daily_sales":
        return sales(request)
    kinds = {
        "plan_id": reports_pb2.REPORT_COLUMN_TYPE_TEXT,
        "currency": reports_pb2.REPORT_COLUMN_TYPE_TEXT,
        "due_on": reports_pb2.REPORT_COLUMN_TYPE_DATE,
        "bucket": reports_pb2.REPORT_COLUMN_TYPE_TEXT,
        "open": reports_pb2.REPORT_COLUMN_TYPE_MONEY,
    }
    columns = [reports_pb2.ReportColumn(name=name, type=kind) for name, kind in kinds.items()]
    data = [
        ("pln_1", "EUR", "2026-12-15", "not_due", "430.00"),
        ("pln_2", "EUR", "2026-11-01", "1-30", "120.50"),
        ("pln_3", "EUR", "", "1-30", "9.50"),
    ]
    found = [reports_pb2.ReportRow(values=values) for values in data]
    return reports_pb2.GetReportRowsResponse(columns=columns, data=found, has_more=False)


def a_file(_: Message) -> Download:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"the rows"

    return Download("ageing.csv", "text/csv", pieces(), 8)


def an_import(**more: Any) -> imports_pb2.Import:
    values = {
        "id": IMPORT_ID,
        "state": imports_pb2.Import.STATE_IMPORTED,
        "name": "novembre.xml",
        "format": "camt.053",
        "lines": 312,
        "known_lines": 4,
        "trace_id": TRACE,
        "created_at": stamp(),
    }
    return imports_pb2.Import(**(values | more))


def progress(**more: Any) -> imports_pb2.ImportProgress:
    """Half of the file is done, as of a moment ago."""
    now = stamp(world_now())
    values = {"entries": 17_000, "staged": 8_500, "begun_at": now, "seen_at": now}
    return imports_pb2.ImportProgress(**(values | more))


def of_reports() -> dict[str, Any]:
    """Answers by RPC."""
    names = {REPORT: ["booked_to", "currency"], "journal": ["booked_from", "booked_to", "currency"]}
    reports = [
        reports_pb2.Report(name=name, about="In English.", filters=filters)
        for name, filters in names.items()
    ]
    schedule = reports_pb2.ReportSchedule(
        id=SCHEDULE_ID,
        state=reports_pb2.ReportSchedule.STATE_ACTIVE,
        report="journal",
        format=reports_pb2.REPORT_FORMAT_CSV,
        every=reports_pb2.REPORT_PERIOD_MONTH,
        emails=["anna@bottega.example"],
        due_at=stamp(),
    )
    return {
        "GetReportRows": rows,
        "ListReports": reports_pb2.ListReportsResponse(data=reports),
        "ListReportRuns": reports_pb2.ListReportRunsResponse(data=[run()]),
        "ListReportSchedules": reports_pb2.ListReportSchedulesResponse(data=[schedule]),
        "GetReportRun": reports_pb2.GetReportRunResponse(run=run()),
        "CreateReportRun": reports_pb2.CreateReportRunResponse(run=run()),
        "DownloadReportRun": a_file,
        "GetImport": imports_pb2.GetImportResponse(**{"import": an_import()}),
        "GetImportProgress": imports_pb2.GetImportProgressResponse(progress=progress()),
        "ImportStatement": imports_pb2.ImportStatementResponse(**{"import": an_import()}),
    }
