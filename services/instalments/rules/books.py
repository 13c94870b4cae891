"""A plan as the ledger sees it: the totals of its current state. Pure.

Costs are earned when they are paid. A rebate for paying a part early is deducted from its interest
first, then from fees, including those paid with other parts. A withdrawal sets off paid costs
against the capital owed: they are no longer earned.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.instalments.rules.current_schedule import remaining_price
from services.instalments.rules.plans import OPEN, Instalment, Plan
from services.instalments.rules.states import InstalmentState

_CHARGED = (*OPEN, InstalmentState.WRITTEN_OFF, InstalmentState.PAID)  # all but what was cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Both `sides` are equal. events.proto describes each amount."""

    sold_minor: int = 0
    refunded_minor: int = 0
    owed_minor: int = 0
    written_off_minor: int = 0
    paid_minor: int = 0
    to_give_back_minor: int = 0
    charged_back_minor: int = 0
    interest_minor: int = 0
    fees_minor: int = 0
    late_fees_minor: int = 0

    @property
    def sides(self) -> tuple[int, int]:
        """Debits and credits."""
        earned = self.interest_minor + self.fees_minor + self.late_fees_minor
        return (
            self.refunded_minor + self.owed_minor + self.written_off_minor + self.paid_minor,
            self.sold_minor + self.to_give_back_minor + self.charged_back_minor + earned,
        )


def books_of(plan: Plan, parts: Sequence[Instalment]) -> Books:
    """All zero until the first part is paid."""
    if plan.activated_at is None:
        return Books()
    paid = [part for part in parts if part.state is InstalmentState.PAID]
    given_up = [part for part in parts if _is_given_up(part)]
    owed = _owed(parts)
    interest = sum(max(part.interest_minor - part.rebate_minor, 0) for part in paid)
    more_off = sum(max(part.rebate_minor - part.interest_minor, 0) for part in paid)
    fees = sum(part.fee_minor for part in paid) - more_off
    charged = sum(part.principal_minor for part in parts if part.state in _CHARGED)
    set_off = remaining_price(plan) - charged  # paid costs that count as capital
    of_interest = min(max(set_off, 0), interest)
    return Books(
        sold_minor=plan.amount.amount_minor,
        refunded_minor=plan.price_refunded_minor,
        owed_minor=sum(part.principal_minor for part in owed),
        written_off_minor=sum(part.principal_minor for part in given_up),
        paid_minor=sum(
            part.amount_minor + part.refunding_minor + part.charged_back_minor for part in paid
        ),
        to_give_back_minor=sum(part.refunding_minor for part in paid),
        charged_back_minor=sum(part.charged_back_minor for part in paid),
        interest_minor=interest - of_interest,
        fees_minor=fees - (set_off - of_interest),
        late_fees_minor=sum(part.late_fee_minor for part in paid),
    )


def dues_of(plan: Plan, parts: Sequence[Instalment]) -> Mapping[date, int]:
    """The owed principal by due date."""
    dues: Counter[date] = Counter()
    if plan.activated_at is not None:
        for part in _owed(parts):
            dues[part.due_on] += part.principal_minor
    return {day: minor for day, minor in dues.items() if minor}


def _owed(parts: Sequence[Instalment]) -> Sequence[Instalment]:
    return [part for part in parts if part.state in OPEN and not _is_given_up(part)]


def _is_given_up(part: Instalment) -> bool:
    """Whether the part is written off, also while its customer is trying to pay it."""
    over = part.state in (InstalmentState.PAID, InstalmentState.CANCELLED)
    return part.written_off_at is not None and not over
