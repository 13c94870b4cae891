"""Days on which banks and couriers work: no weekends and no national holidays. Pure."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

_SATURDAY: Final = 5


def working_day(day: date, country: str) -> date:
    """The day itself, or the next one that is no weekend or holiday in the country (ISO 3166)."""
    while day.weekday() >= _SATURDAY or day in _holidays(country, day.year):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=4096)
def working_days_later(day: date, days: int, country: str) -> date:
    """The day that many working days after any day: one after a Friday is the Monday."""
    for _ in range(days):
        day = working_day(day + timedelta(days=1), country)
    return day


@lru_cache(maxsize=128)
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays  # large: imported only if working days are counted

    return frozenset(holidays.country_holidays(country, years=year))
