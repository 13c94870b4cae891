"""Withdrawal from a plan: when it is possible, and its effect on the parts. Pure.

No part is charged any more; the amount owed becomes one last part, due as the law says. Interest
runs until the day of the notice: less than the law allows until repayment, but one exact amount.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from libs.errors import InternalError, required
from services.instalments.errors import WithdrawalTooLate
from services.instalments.rules import regimes, withdrawal
from services.instalments.rules.collecting import check_active
from services.instalments.rules.current_schedule import schedule_of
from services.instalments.rules.plans import OPEN, Instalment, Plan, charged_at, day_of, moved
from services.instalments.rules.regimes import Regime
from services.instalments.rules.settling import check_idle
from services.instalments.rules.states import (
    INSTALMENT_TRANSITIONS,
    InstalmentEvent,
    InstalmentState,
    PlanEvent,
)
from services.instalments.rules.withdrawal import Withdrawal, Withdrawn


def owed(plan: Plan, parts: Sequence[Instalment], now: datetime) -> Withdrawal:
    """The amounts for a notice given now. Raises PlanNotActive, PlanBusy, WithdrawalTooLate."""
    check_active(plan)
    check_idle(parts)
    schedule, regime = schedule_of(plan, parts), _regime(plan)
    signed_on, today, last = signed_day(plan), day_of(now, plan.time_zone), last_day(plan)
    if today > last:
        raise WithdrawalTooLate(
            facts={"last_day": last.isoformat(), "article": regime.withdrawal_article}
        )
    done = [part for part in parts if part.state is InstalmentState.PAID]
    due = withdrawal.withdraw(
        schedule,
        regime,
        paid={part.number: _paid_on(plan, part) for part in done},
        noticed_on=today,
        repaid_on=today,
        informed_on=signed_on,
    )
    # The amounts actually paid: less if early, more if late.
    costs = sum(part.amount_minor - part.principal_minor for part in done)
    return replace(due, paid_back_minor=costs)


def withdrawn(
    plan: Plan, parts: Sequence[Instalment], notice: Withdrawn
) -> tuple[Plan, Sequence[Instalment]]:
    """Plan and parts, with a new last part if something is owed."""
    over = [
        _cancelled(part) if part.state in OPEN else part
        for part in returned(parts, notice.due.give_back_minor)
    ]
    nothing = notice.due.owed_minor == 0
    after = replace(
        plan,
        state=moved(plan, PlanEvent.WITHDRAW),
        withdrawal=notice,
        due_at=None,
        ended_at=notice.noticed_at if nothing else None,
    )
    return after, over if nothing else [*over, _last(plan, len(parts) + 1, notice.due)]


def returned(parts: Sequence[Instalment], back_minor: int) -> Sequence[Instalment]:
    """The parts with the paid costs to refund, starting from the last part."""
    after, left = list(parts), back_minor
    for part in reversed(parts):
        if part.state is InstalmentState.PAID:
            back = min(max(part.amount_minor - part.principal_minor, 0), left)
            left -= back
            after[part.number - 1] = replace(
                part,
                rebate_minor=part.rebate_minor + back,
                refunding_minor=part.refunding_minor + back,
            )
    return after


def last_day(plan: Plan) -> date:
    """The last day for the notice."""
    return withdrawal.last_day(_regime(plan), plan.priced.schedule.signed_on, signed_day(plan))


def _regime(plan: Plan) -> Regime:
    return regimes.named(plan.priced.classification.regime)


def signed_day(plan: Plan) -> date:
    return day_of(required(plan.acceptance, InternalError).accepted_at, plan.time_zone)


def _last(plan: Plan, number: int, due: Withdrawal) -> Instalment:
    principal = min(due.capital_minor, due.owed_minor)
    last = Instalment(
        merchant_id=plan.merchant_id,
        plan_id=plan.id,
        number=number,
        state=InstalmentState.PLANNED,
        due_on=due.repay_by,
        principal_minor=principal,
        interest_minor=due.owed_minor - principal,
        fee_minor=0,
    )
    return replace(last, due_at=charged_at(last, plan.time_zone))


def _cancelled(part: Instalment) -> Instalment:
    state = INSTALMENT_TRANSITIONS[part.state, InstalmentEvent.CANCEL]
    return replace(part, state=state, due_at=None)


def _paid_on(plan: Plan, part: Instalment) -> date:
    return day_of(required(part.paid_at, InternalError), plan.time_zone)
