"""Closing a month: the oldest open one, with its open items, and only after a confirmation."""

from incasso.reporting.v1 import ledger_pb2, reconciliation_pb2
from libs.roles import Role
from tests.services.console.conftest import Console


async def test_the_page_offers_to_close_the_oldest_open_month(console: Console):
    page = await console.page("/months")
    assert "Close October 2026" in page
    assert "1 open" in page  # a reconciliation exception


async def test_a_checklist_without_open_items_says_none(console: Console):
    none = reconciliation_pb2.ListExceptionsResponse()
    console.services.answers["ListExceptions"] = none
    assert "Exceptions of the reconciliation<small>none</small>" in await console.page("/months")


async def test_closing_a_month_needs_the_ticked_box(console: Console):
    status, _, page = await console.post("/months", {"month": "2026-10"})
    assert status == 400
    assert "Tick the box" in page
    assert console.services.calls("ClosePeriod") == 0
    status, place, _ = await console.post("/months", {"month": "2026-10", "sure": "yes"})
    assert (status, place) == (303, "/months?notice=closed")
    assert console.services.last("ClosePeriod").request.month == "2026-10"
    assert console.services.last("RecordIntent").request.action == "reporting.ClosePeriod"


async def test_an_operator_sees_no_button_to_close_a_month(console: Console):
    console.act_as(Role.OPERATOR)
    assert "Close the month" not in await console.page("/months")


async def test_a_month_that_is_not_over_is_not_offered_for_closing(console: Console):
    current = ledger_pb2.Period(month="2999-01", state=ledger_pb2.Period.STATE_OPEN)
    console.services.answers["ListPeriods"] = ledger_pb2.ListPeriodsResponse(data=[current])
    assert "There is no month to close" in await console.page("/months")
