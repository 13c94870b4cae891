"""The effect of refunding goods on a plan. Pure.

The plan becomes what it would have been for the goods that the shopper keeps: every part is reduced
in the same proportion, with its interest and fees. Overpaid money is refunded, less is left to pay,
and the TAEG stays the same except for rounding: costs are rounded down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from libs.errors import invalid
from libs.money import Money
from libs.rounding import scaled
from services.instalments.rules.schedule import Part, Schedule


@dataclass(frozen=True, slots=True)
class Refund:
    """`schedule`: the new one; a part may be zero. `kept_minor`: the new amount of each paid part,
    by number.
    """

    schedule: Schedule
    amount_minor: int
    give_back_minor: int
    kept_minor: Mapping[int, int]


def refund(schedule: Schedule, amount_minor: int, *, paid: Mapping[int, int]) -> Refund:
    """`paid`: the amount paid for each part, by number, without late fees; less than its amount if
    paid early. Raises InvalidArgument unless the amount is from 1 to the rest of the order.
    """
    left = schedule.amount.amount_minor
    if not 1 <= amount_minor <= left:
        raise invalid("amount.amount_minor", f"must be 1 to {left}, the rest of the order")
    keeps = Fraction(left - amount_minor, left)
    now = replace(
        _lowered(schedule, keeps), amount=Money(left - amount_minor, schedule.amount.currency)
    )
    kept = {
        after.number: _kept(before, after, paid[before.number], keeps)
        for before, after in zip(schedule.parts, now.parts, strict=True)
        if before.number in paid
    }
    return Refund(
        schedule=now,
        amount_minor=amount_minor,
        give_back_minor=sum(paid[number] - kept[number] for number in kept),
        kept_minor=kept,
    )


def _lowered(schedule: Schedule, keeps: Fraction) -> Schedule:
    principals = scaled([part.principal_minor for part in schedule.parts], keeps)
    upfront = floor(schedule.upfront_fee_minor * keeps)
    return replace(
        schedule,
        upfront_fee_minor=upfront,
        parts=tuple(
            replace(
                part,
                principal_minor=principal,
                interest_minor=floor(part.interest_minor * keeps),
                fee_minor=_fee(part, schedule.upfront_fee_minor, upfront, keeps),
            )
            for part, principal in zip(schedule.parts, principals, strict=True)
        ),
    )


def _fee(part: Part, upfront_before: int, upfront: int, keeps: Fraction) -> int:
    """The first part has the upfront fee and its own."""
    if part.number > 1:
        return floor(part.fee_minor * keeps)
    return upfront + floor((part.fee_minor - upfront_before) * keeps)


def _kept(before: Part, after: Part, paid_minor: int, keeps: Fraction) -> int:
    """The share kept of what was paid for a part; its early-payment rebate is reduced with it."""
    rebate = ceil((before.total_minor - paid_minor) * keeps)
    return min(max(after.total_minor - rebate, 0), paid_minor)
