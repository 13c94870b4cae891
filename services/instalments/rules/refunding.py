"""A refund of a plan: its effect on the parts, and the amount repaid for each. Pure.

The arithmetic is in refunds.py. Late fees compensate the cost of a late payment and stay, unless
nothing else is left of a part: it is cancelled with its late fee.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.instalments.errors import PlanNotActive
from services.instalments.rules import refunds
from services.instalments.rules.collecting import watched
from services.instalments.rules.current_schedule import all_parts
from services.instalments.rules.plans import COLLECTED, Instalment, Plan, completed
from services.instalments.rules.refunds import Refund
from services.instalments.rules.repaying import Share
from services.instalments.rules.schedule import Part
from services.instalments.rules.settling import check_idle
from services.instalments.rules.states import (
    INSTALMENT_TRANSITIONS,
    InstalmentEvent,
    InstalmentState,
    PlanState,
)

REFUNDABLE = (*COLLECTED, PlanState.WRITTEN_OFF, PlanState.COMPLETED)


@dataclass(frozen=True, slots=True)
class Refunded:
    """The recomputed plan and parts. `shares`: the amount to repay through each payment."""

    plan: Plan
    parts: Sequence[Instalment]
    shares: Mapping[str, tuple[Share, ...]]

    @property
    def give_back_minor(self) -> int:
        return sum(share.amount_minor for shares in self.shares.values() for share in shares)


def refunded(plan: Plan, parts: Sequence[Instalment], amount_minor: int, now: datetime) -> Refunded:
    """Refunds `amount_minor` of the price. Raises PlanNotActive, PlanBusy; InvalidArgument unless it
    is from 1 to what is left of the price.
    """
    if plan.state not in REFUNDABLE:
        raise PlanNotActive
    check_idle(parts)
    paid = [part for part in parts if part.state is InstalmentState.PAID]
    found = refunds.refund(
        all_parts(plan, parts), amount_minor, paid={part.number: _for_it(part) for part in paid}
    )
    after = [_after(part, found) for part in parts]
    plan = replace(plan, price_refunded_minor=plan.price_refunded_minor + amount_minor)
    plan = watched(completed(plan, after, now), after)
    return Refunded(plan, after, _shares(paid, after))


def _for_it(part: Instalment) -> int:
    """The amount paid for it, without its late fee."""
    return max(part.amount_minor - part.late_fee_minor, 0)


def _after(part: Instalment, found: Refund) -> Instalment:
    if part.state is InstalmentState.CANCELLED:
        return part
    planned = found.schedule.parts[part.number - 1]
    if part.state is InstalmentState.PAID:
        return _kept(part, planned, found.kept_minor[part.number])
    if not planned.total_minor:
        part = replace(
            part,
            state=INSTALMENT_TRANSITIONS[part.state, InstalmentEvent.CANCEL],
            late_fee_minor=0,
            due_at=None,
        )
    return _lowered(part, planned)


def _kept(part: Instalment, planned: Part, kept_minor: int) -> Instalment:
    """What a dispute has already taken back counts as refunded."""
    amount_minor = part.amount_minor - _for_it(part) + kept_minor
    back_minor = part.amount_minor - amount_minor
    by_bank = min(part.lost_minor, back_minor)
    return replace(
        _lowered(part, planned),
        rebate_minor=planned.total_minor + part.late_fee_minor - amount_minor,
        refunding_minor=part.refunding_minor + back_minor - by_bank,
        refunded_minor=part.refunded_minor + by_bank,
        lost_minor=part.lost_minor - by_bank,
        charged_back_minor=part.charged_back_minor + by_bank,
    )


def _lowered(part: Instalment, planned: Part) -> Instalment:
    return replace(
        part,
        principal_minor=planned.principal_minor,
        interest_minor=planned.interest_minor,
        fee_minor=planned.fee_minor,
    )


def _shares(
    paid: Sequence[Instalment], after: Sequence[Instalment]
) -> Mapping[str, tuple[Share, ...]]:
    """By payment, "" for bank transfers. One payment may have paid several parts."""
    shares: dict[str, tuple[Share, ...]] = {}
    for part in paid:
        back = after[part.number - 1].refunding_minor - part.refunding_minor
        if back:
            share, payment_id = Share(part.number, back, promised_minor=back), part.payment_id or ""
            shares[payment_id] = (*shares.get(payment_id, ()), share)
    return shares
