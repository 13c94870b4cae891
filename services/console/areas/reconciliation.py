"""The reconciliation workbench: exceptions, one after the other, with what they could be."""

from typing import Final

from incasso.reporting.v1 import imports_pb2, reconciliation_pb2
from libs.errors import invalid
from services.console.listing import enum_value, filters
from services.console.page import Html, Page, See, get, post
from services.console.visit import PAGE_ROWS, Visit

AREA: Final = "reconciliation"
EXCEPTION = reconciliation_pb2.ReconciliationException
STATES: Final = ("open", "resolved")
# How a person may end an exception here; splitting needs accounts, by the API and the command.
ENDS: Final = ("matched", "written_off", "dismissed")


async def workbench(visit: Visit) -> Html:
    """Open exceptions first; by state and party."""
    state = visit.asked("state") or "open"
    request = reconciliation_pb2.ListExceptionsRequest(
        limit=PAGE_ROWS,
        cursor=visit.asked("cursor") or None,
        state=enum_value(EXCEPTION.State, state),
        order_reference=visit.asked("order_reference") or None,
    )
    answer = await visit.ask(request)
    return Html(
        "reconciliation.html",
        {
            "exceptions": answer.data,
            "next_cursor": answer.next_cursor,
            "filters": filters(visit, "/reconciliation", "state", STATES, "order_reference"),
            "writes": visit.who.holds("reconciliation:write"),
            "state": state,
        },
    )


async def one(visit: Visit) -> Html:
    found = await _exception(visit)
    return Html(
        "exception.html",
        {"exception": found, "ends": ENDS, "writes": visit.who.holds("reconciliation:write")},
    )


async def resolve(visit: Visit) -> See:
    """As what a person says, with the reason, and the items that it matches."""
    found = await _exception(visit)
    ends = visit.typed("resolved_as")
    if ends not in ENDS:
        raise invalid("resolved_as", visit.word("resolved_as_missing"))
    request = reconciliation_pb2.ResolveExceptionRequest(
        exception_id=found.id,
        resolved_as=enum_value(reconciliation_pb2.ExceptionResolution, ends),
        resolution=visit.typed("resolution"),
        item_ids=[visit.typed("item_id")] if ends == "matched" and visit.typed("item_id") else [],
    )
    await visit.change(request, subject=found.id, before=found)
    return See("/reconciliation", said="resolved")


async def run(visit: Visit) -> See:
    await visit.change(reconciliation_pb2.RunReconciliationRequest())
    return See("/reconciliation", said="ran")


async def imports(visit: Visit) -> Html:
    request = imports_pb2.ListImportsRequest(limit=PAGE_ROWS, cursor=visit.asked("cursor") or None)
    answer = await visit.ask(request)
    return Html("imports.html", {"imports": answer.data, "next_cursor": answer.next_cursor})


async def _exception(visit: Visit) -> reconciliation_pb2.ReconciliationException:
    wanted = reconciliation_pb2.GetExceptionRequest(exception_id=visit.part("exception_id"))
    found: reconciliation_pb2.ReconciliationException = (await visit.ask(wanted)).exception
    return found


READS: Final = ("reporting.GetException",)
PAGES: Final[tuple[Page, ...]] = (
    get("/reconciliation", workbench, AREA, "reporting.ListExceptions"),
    post(
        "/reconciliation/run",
        run,
        AREA,
        "reporting.ListExceptions",
        "reporting.RunReconciliation",
        again=workbench,
    ),
    get("/reconciliation/imports", imports, AREA, "reporting.ListImports"),
    get("/reconciliation/exceptions/{exception_id}", one, AREA, *READS),
    post(
        "/reconciliation/exceptions/{exception_id}/resolve",
        resolve,
        AREA,
        *READS,
        "reporting.ResolveException",
        again=one,
    ),
)
