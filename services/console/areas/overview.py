"""The overview: today against the same weekday, the last four weeks, by method, and what needs attention."""

import asyncio
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from incasso.cod.v1 import remittances_pb2
from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import kpis_pb2, reconciliation_pb2, reports_pb2
from libs.errors import Refusal
from services.console.areas.cod import bars_of, cash_ageing
from services.console.page import Html, Page, get
from services.console.rules import charts
from services.console.rules.ageing import Ageing, totals
from services.console.rules.sales import Day, by_method, daily, minor_of, read
from services.console.visit import Visit

AREA: Final = "overview"
DAYS: Final = 28
MOST_ROWS: Final = 1000
AGEING_SECONDS: Final = 0.7
ONE_CLICK: Final = "one_click"
TOO_LONG: Final = "report_too_long"
BUCKETS: Final = ("not_due", "1-30", "31-60", "61-90", "over_90")
MOST_SHOWN: Final = 100  # exceptions, payments in progress; beyond that, "100 or more"


async def overview(visit: Visit) -> Html:
    today = visit.now().astimezone(ZoneInfo(visit.time_zone)).date()
    sales, kpis, exceptions, unknown, plans, cash = await asyncio.gather(
        _sales(visit, today),
        _kpis(visit, today),
        _exceptions(visit),
        _unknown(visit),
        _plans_ageing(visit, today),
        _cash_ageing(visit),
    )
    days = daily(sales, today, DAYS)
    week = [row for row in sales if row.day > today - timedelta(days=7)]
    methods = by_method(week)
    return Html(
        "overview.html",
        {
            "today": days[-1],
            "before": _before(days),
            "days": days,
            "picture": charts.columns([day.gross_minor for day in days]),
            "methods": methods,
            "bars": charts.bars([method.gross_minor for method in methods]),
            "kpis": kpis,
            "acceptance": _acceptance(kpis),
            "exceptions": exceptions,
            "unknown": unknown,
            "most": MOST_SHOWN,
            "currency": visit.currency,
            "plans": plans,
            "plans_bars": bars_of(plans) if plans else [],
            "cash": cash,
            "cash_bars": bars_of(cash) if cash else [],
        },
    )


async def _plans_ageing(visit: Visit, today: date) -> Ageing | None:
    """Amounts owed on instalment plans, by how long they are overdue; None if adding them up takes
    too long for a page.
    """
    request = reports_pb2.GetReportRowsRequest(
        report="instalment_ageing",
        booked_to=today.isoformat(),
        currency=visit.currency,
        limit=MOST_ROWS,
    )
    try:
        async with asyncio.timeout(AGEING_SECONDS):
            answer = await visit.ask(request)
    except TimeoutError:
        return None
    except Refusal as refusal:
        if refusal.reason == TOO_LONG:
            return None
        raise
    if answer.has_more:
        return None
    owed = ({row["bucket"]: minor_of(row["open"], row["currency"])} for row in by_name(answer))
    return totals(owed, visit.currency, BUCKETS)


async def _cash_ageing(visit: Visit) -> Ageing | None:
    """Cash that couriers have collected but not remitted."""
    if not visit.may(remittances_pb2.GetCodAgeingRequest):
        return None
    data = (await visit.ask(remittances_pb2.GetCodAgeingRequest())).data
    return cash_ageing(data, visit.currency)


async def _sales(visit: Visit, today: date) -> Any:
    request = reports_pb2.GetReportRowsRequest(
        report="daily_sales",
        booked_from=(today - timedelta(days=DAYS - 1)).isoformat(),
        booked_to=today.isoformat(),
        currency=visit.currency,
        limit=MOST_ROWS,
    )
    return [read(row) for row in by_name(await visit.ask(request))]


def by_name(answer: reports_pb2.GetReportRowsResponse) -> list[dict[str, str]]:
    """A report's rows, with their values by column name."""
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row.values, strict=True)) for row in answer.data]


async def _kpis(visit: Visit, today: date) -> kpis_pb2.GetKpisResponse | None:
    if not visit.may(kpis_pb2.GetKpisRequest):
        return None
    request = kpis_pb2.GetKpisRequest(
        from_day=(today - timedelta(days=DAYS - 1)).isoformat(),
        to_day=today.isoformat(),
        currency=visit.currency,
    )
    answer: kpis_pb2.GetKpisResponse = await visit.ask(request)
    return answer


async def _exceptions(visit: Visit) -> Any:
    if not visit.may(reconciliation_pb2.ListExceptionsRequest):
        return None
    request = reconciliation_pb2.ListExceptionsRequest(
        state=reconciliation_pb2.ReconciliationException.STATE_OPEN, limit=MOST_SHOWN
    )
    return (await visit.ask(request)).data


async def _unknown(visit: Visit) -> Any:
    """Payments whose outcome is unknown, newest first."""
    if not visit.may(payments_pb2.ListPaymentsRequest):
        return None
    request = payments_pb2.ListPaymentsRequest(
        state=payments_pb2.Payment.STATE_PROCESSING, limit=MOST_SHOWN
    )
    return (await visit.ask(request)).data


def _before(days: list[Day]) -> Day:
    """The same weekday last week."""
    return days[-8]


def _acceptance(kpis: kpis_pb2.GetKpisResponse | None) -> int | None:
    """The share of requested payments that were paid, in basis points. One-click payments have
    their own figure, since a shop's server also charges without a session.
    """
    if kpis is None:
        return None
    ends = [
        (one.steps[-1].reached, one.steps[-1].reached_before)
        for one in kpis.conversion
        if one.steps and one.method != ONE_CLICK
    ]
    ends.append((kpis.one_click_acceptance.paid, kpis.one_click_acceptance.asked))
    asked = sum(before for _, before in ends)
    return sum(paid for paid, _ in ends) * 10_000 // asked if asked else None


PAGES: Final[tuple[Page, ...]] = (
    get(
        "/",
        overview,
        AREA,
        "reporting.GetReportRows",
        parts=(
            "reporting.GetKpis",
            "reporting.ListExceptions",
            "payments.ListPayments",
            "cod.GetCodAgeing",
        ),
    ),
)
