"""The reconciliation workbench: exceptions, one at a time, with suggested matches."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from incasso.cod.v1 import cod_pb2
from incasso.reporting.v1 import ledger_pb2, reconciliation_pb2
from libs.errors import invalid
from services.console.areas.cod import couriers_of
from services.console.listing import enum_value, filters, rows
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import amount_of
from services.console.visit import Visit

AREA: Final = "reconciliation"
EXCEPTION = reconciliation_pb2.ReconciliationException
STATES: Final = ("open", "resolved")
ENDS: Final = ("matched", "split", "written_off", "dismissed")
SPLIT_ROWS: Final = 3
# Accounts offered for part of an item; the service knows all of them.
ACCOUNTS: Final = (
    "psp_fees",
    "courier_fees",
    "shortage",
    "dispute_losses",
    "bad_debt",
    "sales",
    "sales_refunds",
    "reconciliation_differences",
    "unallocated",
)
ITEM: Final = "item:"  # prefix of a suggestion's id in a form
OF_ENTRIES: Final = ("payment_id", "order_reference", "event_id", "trace_id")
MOST_ENTRIES: Final = 50
COURIER_ID: Final = "cou_"


async def workbench(visit: Visit) -> Html:
    """Exceptions by state and order reference; the open ones by default."""
    state = visit.asked("state") or "open"
    request = reconciliation_pb2.ListExceptionsRequest(state=enum_value(EXCEPTION.State, state))
    shown = filters(visit, "/reconciliation", "state", STATES, "order_reference")
    found = await rows(visit, request, "exceptions", "order_reference")
    return Html(
        "reconciliation.html",
        {
            **found,
            "parties": await _couriers(visit, found["exceptions"]),
            "filters": [replace(one, chosen=one.name == state) for one in shown if one.name],
            "item": ITEM,
            "writes": visit.who.holds("reconciliation:write"),
            "state": state,
        },
    )


async def one(visit: Visit) -> Html:
    """An exception, with the ledger entries of its payment or order, down to their trace."""
    found = await _exception(visit)
    return Html(
        "exception.html",
        {
            "exception": found,
            "parties": await _couriers(visit, [found]),
            "ends": ENDS,
            "accounts": ACCOUNTS,
            "split_rows": SPLIT_ROWS,
            "entries": await _entries_of(visit, found),
            "writes": visit.who.holds("reconciliation:write"),
        },
    )


async def _couriers(visit: Visit, found: Iterable[Any]) -> Mapping[str, str]:
    """Names of couriers, if one of the exceptions is about one."""
    about = any(each.party.startswith(COURIER_ID) for each in found)
    if not (about and visit.may(cod_pb2.ListCouriersRequest)):
        return {}
    return await couriers_of(visit)


async def resolve(visit: Visit) -> See:
    """Resolves it as the person chose, with the reason, matched items and the parts of a split."""
    found = await _exception(visit)
    ends = visit.typed("resolved_as")
    if ends not in ENDS:
        raise invalid("resolved_as", visit.word("resolved_as_missing"))
    takes_items = ends in ("matched", "split")
    request = reconciliation_pb2.ResolveExceptionRequest(
        exception_id=found.id,
        resolved_as=enum_value(reconciliation_pb2.ExceptionResolution, ends),
        resolution=visit.typed("resolution"),
        item_ids=_items(visit) if takes_items else [],
        parts=_parts(visit, found) if ends == "split" else [],
    )
    await visit.change(request, subject=found.id, before=found)
    return See("/reconciliation", notice="resolved")


def _items(visit: Visit) -> list[str]:
    """Ids of the items that were ticked or typed."""
    ticked = [name.removeprefix(ITEM) for name in visit.form if name.startswith(ITEM)]
    return list(dict.fromkeys([*ticked, *visit.typed("others").replace(",", " ").split()]))


def _parts(
    visit: Visit, found: reconciliation_pb2.ReconciliationException
) -> list[reconciliation_pb2.ResolutionPart]:
    """Amounts are typed without the item's sign. Raises InvalidArgument."""
    made = []
    for row in range(1, SPLIT_ROWS + 1):
        typed = visit.typed(f"amount_{row}")
        if not typed:
            continue
        amount = amount_of(typed, found.currency)
        if amount is None:
            raise invalid(f"amount_{row}", visit.word("amount_unreadable"))
        sign = -1 if found.amount_minor < 0 else 1
        part = reconciliation_pb2.ResolutionPart(
            account=visit.typed(f"account_{row}"), amount_minor=sign * amount.amount_minor
        )
        made.append(part)
    return made


async def entries(visit: Visit) -> Html:
    """Ledger entries by payment, order, event or trace."""
    asked = {name: visit.asked(name) for name in OF_ENTRIES if visit.asked(name)}
    found = await rows(visit, ledger_pb2.ListJournalEntriesRequest(), "entries", *OF_ENTRIES)
    return Html("entries.html", {**found, "asked": asked})


async def _entries_of(visit: Visit, found: reconciliation_pb2.ReconciliationException) -> Any:
    """The ledger entries of its payment, order or event."""
    about = {"payment_id": found.payment_id, "order_reference": found.order_reference}
    if found.item_id.startswith("evt_"):
        about = {"event_id": found.item_id}
    by = next(((name, value) for name, value in about.items() if value), None)
    if by is None or not visit.may(ledger_pb2.ListJournalEntriesRequest):
        return ()
    request = ledger_pb2.ListJournalEntriesRequest(limit=MOST_ENTRIES, **{by[0]: by[1]})
    return (await visit.ask(request)).data


async def run(visit: Visit) -> See:
    await visit.change(reconciliation_pb2.RunReconciliationRequest())
    return See("/reconciliation", notice="ran")


async def _exception(visit: Visit) -> reconciliation_pb2.ReconciliationException:
    wanted = reconciliation_pb2.GetExceptionRequest(exception_id=visit.part("exception_id"))
    found: reconciliation_pb2.ReconciliationException = (await visit.ask(wanted)).exception
    return found


READS: Final = ("reporting.GetException",)
COURIERS: Final = ("cod.ListCouriers",)
PARTS: Final = ("reporting.ListJournalEntries", *COURIERS)
PAGES: Final[tuple[Page, ...]] = (
    get(
        "/reconciliation",
        workbench,
        AREA,
        "reporting.ListExceptions",
        parts=COURIERS,
        filters=("state", "order_reference"),
    ),
    post(
        "/reconciliation/run",
        run,
        AREA,
        "reporting.ListExceptions",
        "reporting.RunReconciliation",
        parts=COURIERS,
        again=workbench,
    ),
    get("/entries", entries, AREA, "reporting.ListJournalEntries", filters=OF_ENTRIES),
    get("/reconciliation/exceptions/{exception_id}", one, AREA, *READS, parts=PARTS),
    post(
        "/reconciliation/exceptions/{exception_id}/resolve",
        resolve,
        AREA,
        *READS,
        "reporting.ResolveException",
        parts=PARTS,
        again=one,
    ),
)
