"""Days on which banks and couriers work: neither weekends nor national holidays. Pure."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

_SATURDAY: Final = 5


def working_day(day: date, country: str) -> date:
    """The day itself, or the next that is neither at a weekend nor a holiday of the country (ISO 3166)."""
    while day.weekday() >= _SATURDAY or day in _holidays(country, day.year):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=4096)
def working_days_later(day: date, days: int, country: str) -> date:
    """So many working days after the day, which may be any: one after Friday is Monday."""
    for _ in range(days):
        day = working_day(day + timedelta(days=1), country)
    return day


@lru_cache(maxsize=128)
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays  # large: only for whoever counts working days

    return frozenset(holidays.country_holidays(country, years=year))
