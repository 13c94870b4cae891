"""What a plan's page shows at a given moment: its view, rows and chart. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from typing import Final

from incasso.instalments.v1 import pages_pb2, plans_pb2
from libs import display
from libs.money import Money
from libs.text import isolated
from services.gateway.pay.rules import plan_picture
from services.gateway.pay.rules.plan_picture import Bar, Payment
from services.gateway.pay.view import partner_name, web_address

PLAN = plans_pb2.InstalmentPlan
PART = plans_pb2.Instalment
DOCUMENT = plans_pb2.InstalmentDocument
KINDS: Final = {
    "information": DOCUMENT.KIND_INFORMATION,
    "agreement": DOCUMENT.KIND_AGREEMENT,
    "receipt": DOCUMENT.KIND_RECEIPT,
}
_VIEWS: Final = {
    PLAN.STATE_ACTIVE: "active",
    PLAN.STATE_COMPLETED: "completed",
    PLAN.STATE_DEFAULTED: "defaulted",
    PLAN.STATE_WRITTEN_OFF: "written_off",
    PLAN.STATE_WITHDRAWN: "withdrawn",
    PLAN.STATE_CANCELLED: "cancelled",
    PLAN.STATE_EXPIRED: "expired",
    PLAN.STATE_IN_REVIEW: "in_review",
    PLAN.STATE_REFUSED: "refused",
}
WAITING: Final = ("confirm", "partner", "processing")  # these change by themselves
_PAYS: Final = ("sign", "active", "late", "defaulted", "withdrawn")  # a payment follows
_OVER: Final = ("cancelled", "expired", "refused")  # nothing is to be paid
_STATES: Final = {
    PART.STATE_PAID: "paid",
    PART.STATE_MISSED: "missed",
    PART.STATE_WRITTEN_OFF: "missed",
    PART.STATE_COLLECTING: "collecting",
    PART.STATE_CANCELLED: "dropped",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One payment as shown. `state`: paid, refunded, missed, collecting, dropped, next, later,
    unsigned or partner. `again`: when its card is charged again. `refunded`: how much of it was
    refunded.
    """

    due: str
    costs: str
    amount: str
    state: str
    late_fee: str
    again: str
    refunded: str


def name_of(plan: PLAN) -> str:
    """The view: sign, confirm, partner, processing, active, late, completed, financed, …"""
    states = [part.state for part in plan.instalments]
    if PART.STATE_COLLECTING in states:
        leads = web_address(plan.next_action.url)
        return ("partner" if by_partner(plan) else "confirm") if leads else "processing"
    if plan.state == PLAN.STATE_ACTIVE and PART.STATE_MISSED in states:
        return "late"
    if plan.state == PLAN.STATE_COMPLETED and plan.price_refunded_minor == plan.amount.amount_minor:
        return "refunded"
    if plan.state == PLAN.STATE_COMPLETED and by_partner(plan):
        return "financed"
    return _VIEWS.get(plan.state, "sign")


def by_partner(plan: PLAN) -> bool:
    return plan.offer.HasField("partner")


def version_of(page: pages_pb2.PlanPage) -> str:
    """Changes as soon as the plan, or the choice of cards, changes."""
    shown = pages_pb2.PlanPage(plan=page.plan, cards=page.cards)
    return hashlib.sha256(shown.SerializeToString(deterministic=True)).hexdigest()[:16]


def rows(plan: PLAN, language: str) -> Sequence[Row]:
    currency = plan.amount.currency
    return [
        Row(
            due=display.day(date.fromisoformat(part.due_on), language),
            costs=money(cost_minor(part), currency, language),
            amount=money(part.amount_minor, currency, language),
            state=state,
            late_fee=money(part.late_fee_minor, currency, language) if part.late_fee_minor else "",
            again=_again(part, language) if state == "missed" else "",
            refunded=money(part.refunded_minor, currency, language) if part.refunded_minor else "",
        )
        for part, state in _stages(plan)
    ]


def _again(part: PART, language: str) -> str:
    if not part.HasField("due_at"):
        return ""
    return display.moment(part.due_at.ToDatetime(tzinfo=UTC), language)


def picture(plan: PLAN, language: str) -> Sequence[Bar]:
    """A chart of the payments made and due; of all parts if all were dropped. Empty if everything
    was refunded.
    """
    if name_of(plan) == "refunded":
        return ()
    stages = _stages(plan)
    kept = [stage for stage in stages if stage[1] != "dropped"]
    return plan_picture.bars(
        [
            Payment(
                due_on=date.fromisoformat(part.due_on),
                amount_minor=part.amount_minor,
                cost_minor=cost_minor(part),
                label=money(part.amount_minor, plan.amount.currency, language),
                state=state,
            )
            for part, state in kept or stages
        ]
    )


def cost_minor(part: PART) -> int:
    """Interest and fees of a part."""
    return part.amount_minor - part.principal_minor


def _stages(plan: PLAN) -> Sequence[tuple[PART, str]]:
    """The parts by date, with their states; the first one to be paid is the next."""
    view = name_of(plan)
    later = "dropped" if view in _OVER else "unsigned" if view == "in_review" else "later"
    if by_partner(plan):  # it takes the payments: the plan's own part is the price
        state = "dropped" if view in _OVER else "partner"
        return [(part, state) for part in _of_offer(plan)]
    parts = sorted(plan.instalments, key=lambda part: (part.due_on, part.number))
    found = [_stage(part, later) for part in parts]
    if "later" in found and view in _PAYS:
        found[found.index("later")] = "next"
    return list(zip(parts, found, strict=True))


def _of_offer(plan: PLAN) -> Sequence[PART]:
    """The payments as offered."""
    return [
        PART(
            number=part.number,
            due_on=part.due_on,
            amount_minor=part.amount_minor,
            principal_minor=part.principal_minor,
        )
        for part in plan.offer.schedule
    ]


def _stage(part: PART, later: str) -> str:
    if part.state == PART.STATE_PAID and part.refunded_minor and not part.amount_minor:
        return "refunded"
    return _STATES.get(part.state, later)


def rate(percent: str, language: str) -> str:
    return display.percent(Decimal(percent), language)


def money(minor: int, currency: str, language: str) -> str:
    return display.amount(Money(minor, currency), language)


def span(plan: PLAN, language: str) -> dict[str, str]:
    """Values for sentences about the whole plan; as offered, if a partner takes the payments."""
    parts = _of_offer(plan) if by_partner(plan) else plan.instalments
    days = [part.due_on for part in parts if part.state != PART.STATE_CANCELLED]
    ends = [date.fromisoformat(day) for day in days or [parts[0].due_on]]
    costs = sum(map(cost_minor, (part for part, state in _stages(plan) if state != "dropped")))
    total = plan.paid_minor + plan.outstanding_minor
    over = name_of(plan) in _OVER or by_partner(plan)
    figures = {
        "total": plan.offer.total.amount_minor if over else total,
        "costs": plan.offer.cost_minor if over else costs,
        "paid": plan.paid_minor,
        "left": plan.outstanding_minor,
    }
    return {
        "label": plan.offer.label,
        "partner": isolated(partner_name(plan.offer.partner)),
        "first": display.day(min(ends), language),
        "last": display.day(max(ends), language),
        **{name: money(minor, plan.amount.currency, language) for name, minor in figures.items()},
    }


def can_read(page: pages_pb2.PlanPage, kind: int) -> bool:
    """Whether a document is available: any while the plan can be signed, later only those that were
    delivered; the receipt once the customer has withdrawn.
    """
    if kind == DOCUMENT.KIND_RECEIPT:
        return page.plan.HasField("withdrawal")
    return kind in page.handed_over or page.HasField("consent")
