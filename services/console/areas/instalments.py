"""Instalment plans: found by state, order and customer; one plan with its parts, documents and dunning."""

import base64
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from incasso.instalments.v1 import instalments_pb2, plans_pb2
from libs.downloads import Download
from libs.errors import Kind, Refusal, invalid
from services.console.listing import enum_value, filters, rows
from services.console.page import Html, Page, Sent, get
from services.console.rules import dunning
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "instalments"
PLAN: Final = plans_pb2.InstalmentPlan
STATES: Final = ("in_review", "offered", "active", "defaulted", "completed", "written_off")
KEPT: Final = ("order_reference", "customer_id")
MOST_REFUNDS: Final = 20
DOCUMENTS: Final = ("information", "agreement", "receipt")
# States in which the services allow a change; they check again.
CANCELLABLE: Final = frozenset(["offered", "accepted", "in_review"])
CHARGED: Final = frozenset(["active", "defaulted"])
REFUNDABLE: Final = frozenset(["active", "defaulted", "withdrawn", "completed"])


async def listed(visit: Visit) -> Html:
    """Plans by state, order reference and customer, newest first, a page at a time."""
    found = await rows(visit, plans_pb2.ListInstalmentPlansRequest(), "plans", "state", *KEPT)
    shown = filters(visit, "/instalments", "state", STATES, *KEPT)
    return Html("plans.html", {**found, "filters": shown})


async def reviews(visit: Visit) -> Html:
    """Plans awaiting a decision, in the service's order."""
    request = plans_pb2.ListInstalmentReviewsRequest()
    return Html("reviews.html", await rows(visit, request, "plans"))


async def one(visit: Visit) -> Html:
    plan = await plan_of(visit)
    state = enum(plan, "state")
    writes = visit.who.holds("instalments:write")
    return Html(
        "plan.html",
        {
            "plan": plan,
            "state": state,
            "due": await _dunning(visit, plan),
            "refunds": await _refunds(visit, plan),
            "documents": _documents(plan, state),
            "reviews": writes and state == "in_review",
            "cancels": writes and state in CANCELLABLE,
            "charges": writes and state in CHARGED,
            "next_due": _next_due(plan) if writes and state == "active" else None,
            "writes_off": writes and state == "defaulted",
            "can_refund": visit.who.holds("refunds:write") and state in REFUNDABLE,
            "retries": visit.who.holds("refunds:write") and bool(plan.refunding_minor),
        },
    )


async def document(visit: Visit) -> Sent:
    """A document as delivered to the customer."""
    kind = enum_value(plans_pb2.InstalmentDocument.Kind, visit.part("kind"))
    if kind is None:
        raise invalid("kind", "is no document of a plan")
    plan_id = visit.part("plan_id")
    request = plans_pb2.GetInstalmentDocumentRequest(plan_id=plan_id, kind=kind)
    content = base64.b64decode((await visit.ask(request)).document.content)
    name = f"{visit.part('kind')}-{plan_id}.pdf"
    return Sent(Download(name, "application/pdf", _piece(content), len(content)))


async def plan_of(visit: Visit) -> plans_pb2.InstalmentPlan:
    """The plan named in the path."""
    wanted = plans_pb2.GetInstalmentPlanRequest(plan_id=visit.part("plan_id"))
    plan: plans_pb2.InstalmentPlan = (await visit.ask(wanted)).plan
    return plan


def _next_due(plan: plans_pb2.InstalmentPlan) -> Any:
    """The part that can be postponed, together with those after it."""
    planned = (part for part in plan.instalments if part.state == part.STATE_PLANNED)
    return None if plan.offer.partner else next(planned, None)


async def _dunning(visit: Visit, plan: plans_pb2.InstalmentPlan) -> dict[int, dunning.Next]:
    """The next dunning steps, by number of the missed part."""
    missed = [part for part in plan.instalments if part.state == part.STATE_MISSED]
    if not missed or plan.state != PLAN.STATE_ACTIVE:
        return {}
    wanted = instalments_pb2.GetInstalmentTermsRequest(terms_id=plan.offer.terms_id)
    terms = (await visit.ask(wanted)).terms
    today = visit.now().astimezone(ZoneInfo(visit.time_zone)).date()
    return {
        part.number: dunning.steps(
            date.fromisoformat(part.due_on),
            today,
            remind_after=terms.dunning.remind_after,
            default_after=terms.dunning.default_after,
        )
        for part in missed
    }


async def _refunds(visit: Visit, plan: plans_pb2.InstalmentPlan) -> Any:
    if not plan.price_refunded_minor:
        return ()
    request = plans_pb2.ListInstalmentRefundsRequest(plan_id=plan.id, limit=MOST_REFUNDS)
    try:
        return (await visit.ask(request)).data
    except Refusal as refusal:
        if refusal.kind is Kind.NOT_FOUND:
            return ()
        raise


def _documents(plan: plans_pb2.InstalmentPlan, state: str) -> list[str]:
    """Documents that exist or can be created; none for a plan that ended unsigned."""
    if plan.offer.partner:
        return []
    found = []
    if plan.HasField("acceptance") or state in {"offered", "accepted"}:
        found += ["information", "agreement"]
    return [*found, "receipt"] if plan.HasField("withdrawal") else found


async def _piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


LIST: Final = "instalments.ListInstalmentPlans"
READS: Final = ("instalments.GetInstalmentPlan",)
PARTS: Final = ("instalments.GetInstalmentTerms", "instalments.ListInstalmentRefunds")
PAGES: Final[tuple[Page, ...]] = (
    get("/instalments", listed, AREA, LIST, filters=("state", *KEPT)),
    get("/instalments/reviews", reviews, AREA, "instalments.ListInstalmentReviews"),
    get("/instalments/{plan_id}", one, AREA, *READS, parts=PARTS),
    get(
        "/instalments/{plan_id}/documents/{kind}",
        document,
        AREA,
        "instalments.GetInstalmentDocument",
        is_file=True,
    ),
)
