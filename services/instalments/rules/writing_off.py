"""What a merchant writes off: the rest of a defaulted plan, or a missed part. Pure.

It is no longer charged. The customer can still pay it, and such a payment counts.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.instalments.errors import InstalmentNotFound, NotOverdue
from services.instalments.rules.collecting import watched
from services.instalments.rules.plans import OPEN, Instalment, Plan, completed, moved
from services.instalments.rules.settling import check_idle
from services.instalments.rules.states import (
    INSTALMENT_TRANSITIONS,
    InstalmentEvent,
    InstalmentState,
    PlanEvent,
    PlanState,
)


def written_off(
    plan: Plan, parts: Sequence[Instalment], number: int | None, now: datetime
) -> tuple[Plan, Sequence[Instalment]]:
    """`number`: one part; None: all that are left. Unchanged if already written off.

    Raises InstalmentNotFound, PlanBusy, NotOverdue.
    """
    if number is None:
        return _plan(plan, parts, now)
    if not 1 <= number <= len(parts):
        raise InstalmentNotFound
    part = parts[number - 1]
    if part.state is InstalmentState.WRITTEN_OFF:
        return plan, parts
    check_idle([part])
    if part.state is not InstalmentState.MISSED:
        raise NotOverdue
    after = [_part(each, now) if each is part else each for each in parts]
    return watched(completed(plan, after, now), after), after


def _plan(
    plan: Plan, parts: Sequence[Instalment], now: datetime
) -> tuple[Plan, Sequence[Instalment]]:
    if plan.state is PlanState.WRITTEN_OFF:
        return plan, parts
    check_idle(parts)
    if plan.state is not PlanState.DEFAULTED:
        raise NotOverdue
    after = [_part(part, now) if part.state in OPEN else part for part in parts]
    ended = replace(plan, state=moved(plan, PlanEvent.WRITE_OFF), ended_at=now, due_at=None)
    return ended, after


def _part(part: Instalment, now: datetime) -> Instalment:
    state = INSTALMENT_TRANSITIONS[part.state, InstalmentEvent.WRITE_OFF]
    return replace(part, state=state, written_off_at=now, due_at=None)
