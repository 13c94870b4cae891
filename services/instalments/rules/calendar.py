"""When payments are due, and how many years there are between two days. Pure.

Due dates are counted from the first day, never from the previous one: 31 January, 28 February, 31
March. Years are counted as the TAEG formula requires (libs/taeg.py).
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final

from libs.errors import invalid
from libs.working_days import working_day
from services.instalments.rules.terms import DAYS_OF_A_WEEK, Frequency, Unit

_DAYS: Final = {Unit.DAY: 1, Unit.WEEK: DAYS_OF_A_WEEK}
_MONTHS_OF_A_YEAR: Final = 12
_WEEKS_OF_A_YEAR: Final = 52


def due_dates(
    first: date, every: Frequency, count: int, *, holidays_of: str | None = None
) -> Sequence[date]:
    """`count` days, beginning with `first`. Raises InvalidArgument if there are no such days.

    `holidays_of`: all but the first have to be working days of this country; None: any day will do.
    """
    try:
        days = [later(first, every, times) for times in range(count)]
    except (OverflowError, ValueError):
        raise invalid("signed_on", "leads to dates after the year 9999") from None
    if holidays_of is not None:
        days[1:] = [working_day(day, holidays_of) for day in days[1:]]
        if any(day <= before for before, day in pairwise(days)):
            raise invalid("every", "is too short to keep payments apart on working days")
    return days


def later(day: date, every: Frequency, times: int) -> date:
    if every.unit is Unit.MONTH:
        return add_months(day, times * every.n)
    return day + timedelta(days=times * every.n * _DAYS[every.unit])


def add_months(day: date, months: int) -> date:
    """The same day of another month, or its last day. Raises ValueError outside the calendar."""
    year, month = divmod(day.year * _MONTHS_OF_A_YEAR + day.month - 1 + months, _MONTHS_OF_A_YEAR)
    if not date.min.year <= year <= date.max.year:
        raise ValueError(f"year {year} is out of range")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def years_between(first: date, last: date, unit: Unit) -> Fraction:
    """Whole units counted backwards from `last`, then days (Directive 2008/48/EC, Annex I).

    The remaining days are divided by the length of the year that ends where they end. A month
    counted from the 31st is whole although February has no 31st. Negative if `last` is earlier.
    """
    if last < first:
        return -years_between(last, first, unit)
    if unit is Unit.WEEK:
        weeks, days = divmod((last - first).days, DAYS_OF_A_WEEK)
        return Fraction(weeks, _WEEKS_OF_A_YEAR) + _days(first, days)
    step = 1 if unit is Unit.MONTH else _MONTHS_OF_A_YEAR
    months = (last.year - first.year) * _MONTHS_OF_A_YEAR + last.month - first.month
    if unit is Unit.MONTH and last == add_months(first, months):
        return Fraction(months, _MONTHS_OF_A_YEAR)
    months -= months % step
    while add_months(last, -months) < first:
        months -= step
    rest = (add_months(last, -months) - first).days
    return Fraction(months, _MONTHS_OF_A_YEAR) + _days(first, rest)


def _days(first: date, days: int) -> Fraction:
    """Days as a fraction of the year that ends where they end."""
    if not days:
        return Fraction(0)
    end = first + timedelta(days=days)
    return Fraction(days, (end - add_months(end, -_MONTHS_OF_A_YEAR)).days)
