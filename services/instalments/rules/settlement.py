"""Paying early: one part, or everything that is left. Pure.

The amount is exact and depends on the day alone. Interest for the unused time is deducted: on each
part's principal, from the day to its due date, counted in periods of the schedule and by days
within one; the rest is rounded once. So settling costs the balance and its interest since the last
due date, and paying parts early one by one costs as much as paying them at once, except for rounding.
The fee of a payment is reduced by the unused share of its own period, the upfront fee in proportion
to the remaining days of the plan (Directive (EU) 2023/2225, art. 29).
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise

from libs.errors import invalid
from libs.rounding import half_up
from services.instalments.rules.schedule import Part, Schedule


@dataclass(frozen=True, slots=True)
class Settlement:
    """The amount that ends the parts `numbers` on a day. Due parts are paid in full."""

    on: date
    numbers: tuple[int, ...]
    principal_minor: int
    interest_minor: int  # as scheduled
    fees_minor: int  # as scheduled
    interest_rebate_minor: int
    fees_rebate_minor: int

    @property
    def balance_minor(self) -> int:
        """Negative if more costs are refunded than is left to pay."""
        scheduled = self.principal_minor + self.interest_minor + self.fees_minor
        return scheduled - self.interest_rebate_minor - self.fees_rebate_minor

    @property
    def owed_minor(self) -> int:
        return max(self.balance_minor, 0)

    @property
    def give_back_minor(self) -> int:
        return max(-self.balance_minor, 0)


def settle(schedule: Schedule, *, paid: Collection[int], on: date) -> Settlement:
    """Everything that is left. `paid`: numbers of the paid parts. Raises InvalidArgument if none is
    left.
    """
    left = [part for part in schedule.parts if part.number not in paid]
    if not left:
        raise invalid("plan", "has nothing left to pay")
    return _settlement(schedule, left, on)


def pay_early(schedule: Schedule, number: int, *, paid: Collection[int], on: date) -> Settlement:
    """One part; the others stay as they are. Raises InvalidArgument if it is paid or does not
    exist.
    """
    left = [part for part in schedule.parts if part.number == number and number not in paid]
    if not left:
        raise invalid("number", "is not the number of an unpaid part")
    return _settlement(schedule, left, on)


def _settlement(schedule: Schedule, left: Sequence[Part], on: date) -> Settlement:
    early = [(part, _unused(schedule, part, on)) for part in left if part.due_on > on]
    scheduled = sum(part.interest_minor for part, _ in early)
    fees = sum(half_up(part.fee_minor * min(unused, Fraction(1))) for part, unused in early)
    return Settlement(
        on=on,
        numbers=tuple(part.number for part in left),
        principal_minor=sum(part.principal_minor for part in left),
        interest_minor=sum(part.interest_minor for part in left),
        fees_minor=sum(part.fee_minor for part in left),
        interest_rebate_minor=max(scheduled - _charged(schedule, early), 0),
        fees_rebate_minor=fees + _upfront_rebate(schedule, [part for part, _ in early], on),
    )


def _charged(schedule: Schedule, early: Sequence[tuple[Part, Fraction]]) -> int:
    """Interest still owed on these parts although they are paid early."""
    periods = Fraction(0)
    for part, unused in early:
        periods += _balance(schedule, part) - part.principal_minor * unused
    return half_up(schedule.period_rate * periods)


def _balance(schedule: Schedule, part: Part) -> int:
    """The balance on which a part bears interest: none at signing."""
    if part.number == 1:
        return 0
    return sum(other.principal_minor for other in schedule.parts[part.number - 1 :])


def _unused(schedule: Schedule, part: Part, on: date) -> Fraction:
    """Periods from a day until a part is due; the current one is counted by days."""
    days = [other.due_on for other in schedule.parts]
    passed = bisect_right(days, on)  # parts due by then: at least the first, on the day of signing
    if not passed:
        return Fraction(part.number - 1)
    begun, ends = days[passed - 1], days[passed]
    return part.number - passed - Fraction((on - begun).days, (ends - begun).days)


def _upfront_rebate(schedule: Schedule, early: Sequence[Part], on: date) -> int:
    """The fee is spread evenly over the days of the plan, and within a period over the principal
    still to be paid. The rebate is the share of these parts in the remaining days.
    """
    if not early or not schedule.upfront_fee_minor:
        return 0
    days = Fraction(0)
    for begun, ends in pairwise(schedule.parts):
        to_come = _balance(schedule, ends)
        mine = sum(part.principal_minor for part in early if part.number >= ends.number)
        unused = max((ends.due_on - max(on, begun.due_on)).days, 0)
        days += Fraction(unused * mine, to_come) if mine else 0
    whole = (schedule.last_due_on - schedule.signed_on).days
    return half_up(schedule.upfront_fee_minor * days / whole)
