"""Reports in the console: shown with their filters, exported as shown, scheduled."""

import pytest

from incasso.reporting.v1 import reports_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import Role
from services.console.errors import ReportUnknown
from services.console.rules.cells import Column, cells
from tests.services.console.conftest import Console
from tests.services.console.report_samples import REPORT, RUN_ID, rows, run

PATH = f"/reports/{REPORT}"


async def test_a_report_is_shown_with_only_its_own_filters(console: Console):
    page = await console.page(f"{PATH}?booked_to=2026-11-15&currency=EUR&booked_from=2026-01-01")
    asked = console.services.last("GetReportRows").request
    assert (asked.booked_to, asked.currency) == ("2026-11-15", "EUR")
    assert not asked.HasField("booked_from")  # this report takes none
    assert "€120.50" in page
    assert "15 Dec 2026" in page


async def test_a_viewer_can_export_a_report_as_shown(console: Console):
    console.act_as(Role.VIEWER)
    path = f"{PATH}/runs?booked_to=2026-11-15"
    status, place, _ = await console.post(path, {"format": "csv"})
    assert (status, place) == (303, f"/reports/runs/{RUN_ID}")
    asked = console.services.last("CreateReportRun").request
    assert (asked.report, asked.booked_to) == (REPORT, "2026-11-15")
    assert asked.format == reports_pb2.REPORT_FORMAT_CSV


async def test_a_running_export_refreshes_and_a_finished_one_is_downloaded(console: Console):
    state = reports_pb2.ReportRun
    waiting = reports_pb2.GetReportRunResponse(run=run(state.STATE_RUNNING))
    console.services.answers["GetReportRun"] = waiting
    page = await console.page(f"/reports/runs/{RUN_ID}")
    assert "data-live" in page
    assert "Look again" in page
    console.services.answers["GetReportRun"] = reports_pb2.GetReportRunResponse(run=run())
    page = await console.page(f"/reports/runs/{RUN_ID}")
    assert "data-live" not in page
    assert f'href="/reports/runs/{RUN_ID}/file"' in page
    async with console.request("GET", f"/reports/runs/{RUN_ID}/file") as response:
        assert await response.read() == b"the rows"
        assert response.headers["Content-Disposition"].startswith('attachment; filename="ageing')


async def test_a_report_is_scheduled_for_several_recipients(console: Console):
    sent = {"every": "month", "hour": "7", "format": "xlsx", "emails": "a@x.example, b@x.example"}
    _, place, _ = await console.post(f"{PATH}/schedules?currency=EUR", sent)
    assert place == "/reports?notice=scheduled"
    asked = console.services.last("CreateReportSchedule").request
    assert list(asked.emails) == ["a@x.example", "b@x.example"]
    assert (asked.every, asked.hour) == (reports_pb2.REPORT_PERIOD_MONTH, 7)
    assert asked.currency == "EUR"


async def test_an_unknown_report_is_refused(console: Console):
    async with console.request("GET", "/reports/everything") as response:
        assert response.status == ReportUnknown.kind.http_status


async def test_the_overview_totals_what_is_owed_unless_there_is_too_much(console: Console):
    page = await console.page("/")
    assert "€560.00" in page  # owed on plans
    assert "€1,800.00" in page  # owed by couriers
    too_long = RemoteRefusal(Kind.UNPROCESSABLE, "report_too_long", "Too long.")
    console.services.answers["GetReportRows"] = lambda request: (
        rows(request) if request.report == "daily_sales" else too_long
    )
    assert "Too many plans to add up here" in await console.page("/")


async def test_acceptance_counts_tried_links_and_one_click_payments(
    console: Console,
):
    """870 of 900 links and 80 of 100 one-click payments."""
    page = await console.page("/")
    figure = page.split("Paid of those who began")[1].split("</dd>")[0]
    assert "95%" in figure.replace("95.0%", "95%")
    assert "80 · 80" in page  # by method


@pytest.mark.parametrize(("language", "amount"), [("en", "€1,234.50"), ("it", "1234,50 €")])
def test_cells_are_formatted_in_the_readers_language(language: str, amount: str):
    columns = [Column("currency", "text"), Column("open", "money"), Column("due_on", "date")]
    found = cells(columns, ["EUR", "1234.50", ""], language)
    assert found[0] == "EUR"
    assert found[1].replace("\u00a0", " ").replace("1.234", "1234") == amount
    assert found[2] == "–"
