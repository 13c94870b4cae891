"""Early settlement: one payment that ends all parts of a plan. Pure.

The amount depends only on the plan and the day, not on the caller. The rebate is given part by
part, so that each part's amount is what was paid for it, and all sum to the payment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from libs.money import Money
from services.instalments.errors import NothingToPay, PlanBusy, PlanNotActive
from services.instalments.rules import settlement
from services.instalments.rules.collecting import check_active
from services.instalments.rules.current_schedule import schedule_of
from services.instalments.rules.plans import OPEN, Covered, Instalment, Plan, day_of
from services.instalments.rules.schedule import Schedule
from services.instalments.rules.settlement import Settlement
from services.instalments.rules.states import InstalmentState, PlanState


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The amount that ends a plan on a day. `covers`: its parts, and the rebate of each."""

    on: date
    principal_minor: int
    interest_minor: int  # as scheduled, like the fees
    fees_minor: int
    late_fees_minor: int
    interest_rebate_minor: int
    fees_rebate_minor: int
    amount: Money
    covers: tuple[Covered, ...]

    @property
    def numbers(self) -> Sequence[int]:
        return [each.number for each in self.covers]

    @property
    def rebate_minor(self) -> int:
        return sum(each.rebate_minor for each in self.covers)


def figure(plan: Plan, parts: Sequence[Instalment], now: datetime) -> Figure:
    """Raises PlanNotActive, NothingToPay."""
    check_active(plan)
    if plan.state is PlanState.WITHDRAWN:  # one part is left, which is paid like any part
        raise PlanNotActive
    left = [part for part in parts if part.state in OPEN]
    on = day_of(now, plan.time_zone)
    closed = [part.number for part in parts if part.state not in OPEN]
    schedule = schedule_of(plan, parts)
    settled = settlement.settle(schedule, paid=closed, on=on)
    off = settled.interest_rebate_minor + settled.fees_rebate_minor
    amount_minor = sum(part.amount_minor for part in left) - off
    if amount_minor < 1:
        raise NothingToPay
    return Figure(
        on=on,
        principal_minor=settled.principal_minor,
        interest_minor=settled.interest_minor,
        fees_minor=settled.fees_minor,
        late_fees_minor=sum(part.late_fee_minor for part in left),
        interest_rebate_minor=settled.interest_rebate_minor,
        fees_rebate_minor=settled.fees_rebate_minor,
        amount=Money(amount_minor, plan.amount.currency),
        covers=_covered(left, _wanted(schedule, left, closed, settled), off),
    )


def check_idle(parts: Sequence[Instalment]) -> None:
    """Raises PlanBusy while a part is being charged, which could then be paid twice."""
    if any(part.state is InstalmentState.COLLECTING for part in parts):
        raise PlanBusy


def _wanted(
    schedule: Schedule, left: Sequence[Instalment], closed: Sequence[int], settled: Settlement
) -> Sequence[int]:
    """The rebate of each part if it alone were paid."""
    alone = [
        settlement.pay_early(schedule, part.number, paid=closed, on=settled.on) for part in left
    ]
    return [each.interest_rebate_minor + each.fees_rebate_minor for each in alone]


def _covered(left: Sequence[Instalment], wanted: Sequence[int], off: int) -> tuple[Covered, ...]:
    """Splits the rebate `off`: each part gets as close to its wanted rebate as the total allows."""
    rebates = []
    for part, want in zip(left, wanted, strict=True):
        rebates.append(min(want, part.amount_minor, off))
        off -= rebates[-1]
    for index in reversed(range(len(left))):  # the rounding remainder
        more = min(off, left[index].amount_minor - rebates[index])
        rebates[index] += more
        off -= more
    return tuple(Covered(part.number, rebate) for part, rebate in zip(left, rebates, strict=True))
