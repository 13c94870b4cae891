"""The months of the books, and the close of the oldest open one: a checklist of what is missing."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import ledger_pb2, reconciliation_pb2
from libs.errors import invalid
from services.console.page import Html, Page, See, get, post
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "months"
MOST: Final = 100  # open items counted; beyond that, the page says "100 or more"
SHOWN_MONTHS: Final = 24


@dataclass(frozen=True, slots=True)
class Check:
    """A line of the checklist. `count`: open items, None if the role does not see them."""

    name: str
    path: str
    count: int | None

    @property
    def done(self) -> bool:
        return self.count == 0


async def months(visit: Visit) -> Html:
    """The months, newest first, and the checklist of the next one to close."""
    found = (await visit.ask(ledger_pb2.ListPeriodsRequest())).data
    waiting = _to_close(found, _today(visit))
    return Html(
        "months.html",
        {
            "months": sorted(found, key=lambda one: str(one.month), reverse=True)[:SHOWN_MONTHS],
            "waiting": waiting,
            "checks": await _checks(visit) if waiting else [],
            "most": MOST,
            "closes": visit.who.holds("reports:write"),
        },
    )


async def close(visit: Visit) -> See:
    """Closes the month: nothing can be booked in it afterwards, which the person has to confirm."""
    if visit.typed("sure") != "yes":
        raise invalid("sure", visit.word("sure_missing"))
    month = visit.typed("month")
    await visit.change(ledger_pb2.ClosePeriodRequest(month=month), subject=month)
    return See("/months", notice="closed")


async def _checks(visit: Visit) -> list[Check]:
    exceptions: Any = None
    if visit.may(reconciliation_pb2.ListExceptionsRequest):
        state = reconciliation_pb2.ReconciliationException.STATE_OPEN
        wanted = reconciliation_pb2.ListExceptionsRequest(state=state, limit=MOST)
        exceptions = len((await visit.ask(wanted)).data)
    unknown: Any = None
    if visit.may(payments_pb2.ListPaymentsRequest):
        processing = payments_pb2.Payment.STATE_PROCESSING
        request = payments_pb2.ListPaymentsRequest(state=processing, limit=MOST)
        unknown = len((await visit.ask(request)).data)
    return [
        Check("exceptions", "/reconciliation", exceptions),
        Check("unknown", "/payments?state=processing", unknown),
    ]


def _today(visit: Visit) -> date:
    return visit.now().astimezone(ZoneInfo(visit.time_zone)).date()


def _to_close(found: Any, today: date) -> str:
    """The oldest open month that has ended; "" if there is none."""
    last = (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    over = [one.month for one in found if enum(one, "state") == "open" and one.month <= last]
    return min(over, default="")


PARTS: Final = ("reporting.ListExceptions", "payments.ListPayments")
PAGES: Final[tuple[Page, ...]] = (
    get("/months", months, AREA, "reporting.ListPeriods", parts=PARTS),
    post(
        "/months",
        close,
        AREA,
        "reporting.ListPeriods",
        "reporting.ClosePeriod",
        parts=PARTS,
        again=months,
    ),
)
