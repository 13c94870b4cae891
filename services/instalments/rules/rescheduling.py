"""Later due dates: a customer gets more time. Pure.

The agreement changes in the customer's favour only: nothing is added to the price, and no part is due earlier.
The plan keeps the legal class that it was signed with.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from libs.errors import invalid
from libs.working_days import working_day
from services.instalments.errors import (
    DeferralTooLong,
    InstalmentClosed,
    InstalmentNotFound,
    PlanBusy,
    PlanNotActive,
    PlanOfPartner,
)
from services.instalments.rules import regimes
from services.instalments.rules.plans import Instalment, Plan, charged_at
from services.instalments.rules.regimes import Offered
from services.instalments.rules.states import InstalmentState, PlanState

MOST_DAYS: Final = 60  # after the agreed due date


def rescheduled(
    plan: Plan,
    parts: Sequence[Instalment],
    number: int,
    due_on: date,
    *,
    large_seller: bool,
    now: datetime,
) -> Sequence[Instalment]:
    """The parts, with the next one due moved to the first working day from `due_on` on, and later ones
    moved by as many days. Unchanged if it is already due then.

    Raises PlanOfPartner, PlanNotActive, InstalmentNotFound, InstalmentClosed, PlanBusy,
    InvalidArgument, DeferralTooLong.
    """
    _check_plan(plan)
    if not 1 <= number <= len(parts):
        raise InstalmentNotFound
    part, country = parts[number - 1], regimes.named(plan.priced.classification.regime).jurisdiction
    day = working_day(due_on, country)
    if part.due_on == day:
        return parts
    _check_part(part, parts, now)
    if day < part.due_on:
        raise invalid("due_on", "must be later than the current due date")
    by = day - part.due_on
    after = [
        _later(plan, each, by, country)
        if each.number >= number and each.state is InstalmentState.PLANNED
        else each
        for each in parts
    ]
    _check_days(plan, after)
    _check_law(plan, after, large_seller=large_seller)
    return after


def _check_plan(plan: Plan) -> None:
    if plan.by_partner:
        raise PlanOfPartner
    if plan.state is not PlanState.ACTIVE:
        raise PlanNotActive


def _check_part(part: Instalment, parts: Sequence[Instalment], now: datetime) -> None:
    planned = InstalmentState.PLANNED
    if part.state is InstalmentState.COLLECTING or (part.due_at is not None and part.due_at <= now):
        raise PlanBusy
    if part.state is not planned:
        raise InstalmentClosed
    if any(each.state is planned for each in parts[: part.number - 1]):
        raise invalid("number", "must be the next part that is due")


def _later(plan: Plan, part: Instalment, by: timedelta, country: str) -> Instalment:
    moved = replace(part, due_on=working_day(part.due_on + by, country))
    return replace(moved, due_at=charged_at(moved, plan.time_zone))


def _check_days(plan: Plan, parts: Sequence[Instalment]) -> None:
    agreed = {part.number: part.due_on for part in plan.schedule.parts}
    if any((part.due_on - agreed[part.number]).days > MOST_DAYS for part in parts):
        raise invalid("due_on", f"must be within {MOST_DAYS} days of the agreed due date")
    if any(later.due_on <= earlier.due_on for earlier, later in pairwise(parts)):
        raise invalid("due_on", "leaves two parts due on one day")


def _check_law(plan: Plan, parts: Sequence[Instalment], *, large_seller: bool) -> None:
    """Counts from signing, since the delivery date, which is not earlier, is not known here."""
    schedule, was = plan.schedule, plan.priced.classification
    offered = Offered(
        amount=plan.amount,
        interest_minor=schedule.interest_minor,
        fees_minor=schedule.fees_minor,
        signed_on=schedule.signed_on,
        last_due_on=max(part.due_on for part in parts),
        financed_by=plan.terms.financed_by,
        large_seller=large_seller,
    )
    if regimes.classify(regimes.named(was.regime), offered).plan_class is not was.plan_class:
        raise DeferralTooLong
