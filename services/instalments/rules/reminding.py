"""What the customer of a plan is reminded of, and when: by the terms' dunning, and by law. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final

from services.instalments.rules import regimes, withdrawal
from services.instalments.rules.plans import COLLECTED, Instalment, Plan, Shown, day_of, hour_of
from services.instalments.rules.regimes import PlanClass
from services.instalments.rules.states import InstalmentState, PlanState
from services.instalments.rules.withdrawing import signed_day

# If the information on credit came less than a day before signing, its customer is reminded of the
# right to withdraw one to seven days after it (Directive (EU) 2023/2225, article 10).
INFORMED_BEFORE: Final = timedelta(days=1)
REMINDED_AFTER_DAYS: Final = 1


class ReminderKind(Enum):
    DUE = "due"
    MISSED = "missed"
    MAY_WITHDRAW = "may_withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    merchant_id: str
    id: str
    plan_id: str
    number: int | None
    kind: ReminderKind
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    kind: ReminderKind
    number: int | None
    due_at: datetime


def wanted(before: Shown, after: Shown, now: datetime) -> Sequence[Wanted]:
    """The reminders that follow from a change: the plan became active, a part was missed, or parts are due
    later, whose earlier reminders were dropped. Partners send reminders of their own plans.
    """
    plan = after.plan
    if plan.by_partner:
        return ()
    found = [
        Wanted(ReminderKind.MISSED, new.number, _days_after(plan, new.missed_at, days))
        for old, new in zip(before.parts, after.parts, strict=True)
        if old.missed_at is None and new.missed_at is not None
        for days in plan.terms.dunning.remind_after
    ]
    if plan.activated_at is None:
        return found
    if before.plan.activated_at is None:
        return [*found, *_of_active(plan, after.parts, now)]
    days = [(old.due_on, new.due_on) for old, new in zip(before.parts, after.parts, strict=True)]
    is_moved = any(was != is_now for was, is_now in days)
    return [*found, *_before_due(plan, after.parts, now)] if is_moved else found


def _days_after(plan: Plan, at: datetime, days: int) -> datetime:
    return hour_of(day_of(at, plan.time_zone) + timedelta(days=days), plan.time_zone)


def _before_due(plan: Plan, parts: Sequence[Instalment], now: datetime) -> list[Wanted]:
    times = [
        (part.number, hour_of(part.due_on - timedelta(days=days), plan.time_zone))
        for part in parts
        if part.state is InstalmentState.PLANNED
        for days in plan.terms.dunning.remind_before
    ]
    return [Wanted(ReminderKind.DUE, number, at) for number, at in times if at > now]


def _of_active(plan: Plan, parts: Sequence[Instalment], now: datetime) -> Sequence[Wanted]:
    found = _before_due(plan, parts, now)
    if plan.priced.classification.plan_class is PlanClass.CREDIT:
        on = signed_day(plan) + timedelta(days=REMINDED_AFTER_DAYS)
        found.append(Wanted(ReminderKind.MAY_WITHDRAW, None, hour_of(on, plan.time_zone)))
    return found


def part_of(shown: Shown, reminder: Reminder) -> Instalment | None:
    """The part, if its customer still has to be reminded of it."""
    wanted_in = {
        ReminderKind.DUE: InstalmentState.PLANNED,
        ReminderKind.MISSED: InstalmentState.MISSED,
    }
    if shown.plan.state not in COLLECTED or reminder.number is None:
        return None
    part = shown.parts[reminder.number - 1]
    return part if part.state is wanted_in.get(reminder.kind) and part.amount_minor else None


def may_withdraw(plan: Plan, informed_at: datetime | None, now: datetime) -> date | None:
    """The last day to withdraw, if the law requires a reminder."""
    if plan.state is not PlanState.ACTIVE or plan.acceptance is None or informed_at is None:
        return None
    regime = regimes.named(plan.priced.classification.regime)
    signed_on = plan.priced.schedule.signed_on
    last = withdrawal.last_day(regime, signed_on, signed_day(plan))
    late = plan.acceptance.accepted_at - informed_at < INFORMED_BEFORE
    return last if late and day_of(now, plan.time_zone) <= last else None
