"""The audit log: who changed what through the console."""

from typing import Final

from incasso.merchants.v1 import audit_pb2, members_pb2
from services.console import texts
from services.console.listing import rows
from services.console.page import Html, Page, See, get, post
from services.console.visit import Visit

AREA: Final = "audit"
FILTERS: Final = ("actor", "subject_id")
ACTIONS: Final = "audit_actions"  # area of their texts
MOST_MEMBERS: Final = 100


async def log(visit: Visit) -> Html:
    """The entries, newest first, a page at a time; of one member or about one object if asked."""
    request = audit_pb2.ListAuditEntriesRequest()
    found = await rows(visit, request, "entries", *FILTERS)
    wanted = members_pb2.ListMembersRequest(limit=MOST_MEMBERS)
    names = {one.id: one.name or one.email for one in (await visit.ask(wanted)).data}
    return Html(
        "audit.html",
        {
            **found,
            "names": names,
            "actions": texts.read(ACTIONS)[visit.language],
            "reasons": texts.read(texts.REFUSALS)[visit.language],
        },
    )


async def check(visit: Visit) -> Html | See:
    """Checks that every record still follows from the one before."""
    found = await visit.change(audit_pb2.CheckAuditEntriesRequest())
    if not found.HasField("first_broken"):
        return See("/audit", notice="intact")
    return Html("audit_broken.html", {"found": found})


LIST: Final = ("merchants.ListAuditEntries", "merchants.ListMembers")
PAGES: Final[tuple[Page, ...]] = (
    get("/audit", log, AREA, *LIST, filters=FILTERS),
    post("/audit/check", check, AREA, "merchants.CheckAuditEntries"),
)
