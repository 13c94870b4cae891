"""`incasso reports`, against a double of reporting."""

import json
from collections.abc import AsyncIterator

import pytest

from incasso.reporting.v1 import reports_pb2 as pb
from incasso.reporting.v1 import reports_pb2_grpc
from libs.downloads import Download
from libs.errors import Kind
from libs.server import Server
from libs.services import named as service_named
from libs.tasks import Tasks
from tests.cli.conftest import AT, Command, named

OF = ("--merchant", "mer_1")
FILE = b"day,gross\r\n2026-11-01,59.90\r\n"


def parquet(month: str) -> bytes:
    import pyarrow as pa
    from pyarrow.parquet import write_table

    sink = pa.BufferOutputStream()
    table = pa.table({"booked_on": [f"{month}-01"], "amount": [1]})
    write_table(table, sink)
    return sink.getvalue().to_pybytes()


class Reports(reports_pb2_grpc.ReportsServiceServicer):
    """A double of reporting; a run is done when it is fetched for the second time."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.runs: dict[str, pb.ReportRun] = {}
        self.cut_off = False

    async def ListReports(self, request, rpc):
        report = pb.Report(name="daily_sales", about="Sales by day.", filters=["booked_from"])
        return pb.ListReportsResponse(data=[report])

    async def GetReportRows(self, request, rpc):
        self.asked.append(request)
        columns = [pb.ReportColumn(name="day"), pb.ReportColumn(name="gross")]
        return pb.GetReportRowsResponse(
            columns=columns, data=[pb.ReportRow(values=["2026-11-01", "59.90"])], has_more=True
        )

    async def CreateReportRun(self, request, rpc):
        self.asked.append(request)
        if request.report == "none":
            raise named("report_not_found", Kind.NOT_FOUND, "There is no such report.")
        run = pb.ReportRun(
            id=f"rrn_{len(self.runs)}",
            state=1,
            report=request.report,
            booked_from=request.booked_from,
        )
        self.runs[run.id] = run
        return pb.CreateReportRunResponse(run=run)

    async def GetReportRun(self, request, rpc):
        run = self.runs[request.run_id]
        run.state, run.rows = run.state + 1, 1
        if run.report == "too_large" and run.state == pb.ReportRun.STATE_DONE:
            run.state, run.failed_reason = pb.ReportRun.STATE_FAILED, "too_large"
        return pb.GetReportRunResponse(run=run)

    async def DownloadReportRun(self, request, rpc):
        run = self.runs[request.run_id]
        data = parquet(run.booked_from[:7]) if run.report == "journal" else FILE

        async def pieces():
            yield data[:10]
            if self.cut_off:
                raise RuntimeError
            yield data[10:]

        return Download("daily_sales.csv", "text/csv", pieces(), len(data))

    async def CreateReportSchedule(self, request, rpc):
        self.asked.append(request)
        return pb.CreateReportScheduleResponse(schedule={"id": "rsc_1", "state": 1, "due_at": AT})

    async def ListReportSchedules(self, request, rpc):
        return pb.ListReportSchedulesResponse(data=[{"id": "rsc_1", "state": 1, "every": 2}])

    async def StopReportSchedule(self, request, rpc):
        return pb.StopReportScheduleResponse(schedule={"id": request.schedule_id, "state": 2})

    async def ListReportRuns(self, request, rpc):
        return pb.ListReportRunsResponse(data=[{"id": "rrn_1", "state": 3, "rows": 12}])


@pytest.fixture
async def played() -> AsyncIterator[tuple[Reports, Command]]:
    reports = Reports()
    added = [(reports_pb2_grpc.add_ReportsServiceServicer_to_server, reports)]
    server = Server(added, service_named("reporting").full_names, Tasks())
    port = await server.start("127.0.0.1:0")
    yield reports, Command({"INCASSO_REPORTING_TARGET": f"127.0.0.1:{port}"})
    await server.stop(1)


async def test_reports_are_listed_and_their_first_rows_shown(played):
    reports, incasso = played
    done = await incasso("reports", "list", *OF)
    assert all(text in done.stdout for text in ("daily_sales", "Sales by day.", "booked_from"))
    shown = await incasso("reports", "show", "daily_sales", *OF, "--from", "2026-11-01")
    assert all(text in shown.stdout for text in ("2026-11-01", "59.90", "incasso reports run"))
    (asked,) = reports.asked
    assert (asked.report, asked.booked_from, asked.limit) == ("daily_sales", "2026-11-01", 100)
    rows = await incasso.json("reports", "show", "daily_sales", *OF)
    assert rows == [{"day": "2026-11-01", "gross": "59.90"}]


async def test_a_report_is_written_to_a_file(played, tmp_path):
    _, incasso = played
    target = tmp_path / "sales.csv"
    found = await incasso.json("reports", "run", "daily_sales", *OF, "-o", str(target))
    assert (found["state"], found["rows"], found["file"]) == ("done", 1, str(target))
    assert target.read_bytes() == FILE


async def test_a_truncated_download_leaves_no_file(played, tmp_path):
    reports, incasso = played
    reports.cut_off = True
    done = await incasso("reports", "run", "daily_sales", *OF, "-o", str(tmp_path / "sales.csv"))
    assert (done.exit_code != 0, list(tmp_path.iterdir())) == (True, [])


async def test_monthly_parquet_files_form_one_partitioned_data_set(played, tmp_path):
    from pyarrow.dataset import dataset, field

    _, incasso = played
    days = ("--from", "2026-01-01", "--to", "2026-12-31", "--format", "parquet", "--by-month")
    found = await incasso.json("reports", "run", "journal", *OF, *days, "-o", str(tmp_path))
    assert len(found) == 12
    year = dataset(tmp_path, partitioning="hive").to_table()
    assert sorted(year["month"].to_pylist()) == [f"2026-{month:02}" for month in range(1, 13)]
    march = dataset(tmp_path, partitioning="hive").to_table(filter=field("month") == "2026-03")
    assert march["booked_on"].to_pylist() == ["2026-03-01"]


async def test_a_failed_or_refused_report_says_why(played, tmp_path):
    _, incasso = played
    failed = await incasso("reports", "run", "too_large", *OF, "-o", str(tmp_path / "x"))
    assert (failed.exit_code, "too_large" in failed.stderr) == (1, True)
    refused = await incasso("reports", "run", "none", *OF)
    assert (refused.exit_code, "incasso reports list" in refused.stderr) == (1, True)
    wrong = await incasso("reports", "run", "daily_sales", *OF, "--format", "pdf")
    assert wrong.exit_code == 2
    assert all(name in wrong.stderr for name in ("csv", "xlsx", "parquet"))


async def test_schedules_are_made_listed_and_stopped(played):
    reports, incasso = played
    asked = ("--every", "week", "--hour", "7", "--format", "xlsx", "--email", "finance@example.com")
    made = await incasso.json("reports", "schedule", "daily_sales", *OF, *asked)
    assert made["id"] == "rsc_1"
    (request,) = reports.asked
    assert (request.every, request.hour, request.format) == (2, 7, 2)
    assert list(request.emails) == ["finance@example.com"]
    assert "rsc_1" in (await incasso("reports", "schedules", *OF)).stdout
    assert (await incasso.json("reports", "stop", "rsc_1", *OF))["state"] == "stopped"
    assert (
        json.loads((await incasso("reports", "runs", *OF, "--json")).stdout)["data"][0]["rows"]
        == 12
    )
