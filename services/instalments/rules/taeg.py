"""The TAEG of a schedule: the amount is drawn down on the day of signing. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from libs import taeg
from libs.taeg import Flow
from services.instalments.rules.calendar import years_between
from services.instalments.rules.schedule import Schedule


def of(schedule: Schedule) -> Decimal:
    """The TAEG in percent. Raises libs.taeg.NoRateError if the first payment leaves nothing to finance."""
    return taeg.rate(flows(schedule))


def flows(schedule: Schedule) -> Sequence[Flow]:
    """The payments from the shopper's point of view, in minor units and years from signing."""
    drawn = Flow(Fraction(schedule.amount.amount_minor), Fraction(0))
    unit = schedule.every.counted_in
    paid = [
        Flow(Fraction(-part.total_minor), years_between(schedule.signed_on, part.due_on, unit))
        for part in schedule.parts
    ]
    return [drawn, *paid]
