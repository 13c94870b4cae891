"""Due dates and the years between days."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.errors import InvalidArgument
from services.instalments.rules import calendar, regimes
from services.instalments.rules.terms import Frequency, Unit
from tests.services.instalments.given import MONTHLY

YEARLY = Frequency(Unit.MONTH, 12)


def days(first: str, every: Frequency, count: int, **asked) -> list[str]:
    found = calendar.due_dates(date.fromisoformat(first), every, count, **asked)
    return [day.isoformat() for day in found]


@pytest.mark.parametrize(
    ("first", "every", "expected"),
    [
        (
            "2027-01-31",
            MONTHLY,
            ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"],
        ),
        (
            "2028-02-29",
            YEARLY,
            ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"],
        ),
        ("2027-01-30", MONTHLY, ["2027-01-30", "2027-02-28", "2027-03-30", "2027-04-30"]),
        ("2027-12-15", MONTHLY, ["2027-12-15", "2028-01-15", "2028-02-15"]),
        ("2026-11-26", Frequency(Unit.WEEK, 1), ["2026-11-26", "2026-12-03", "2026-12-10"]),
        ("2026-11-26", Frequency(Unit.DAY, 15), ["2026-11-26", "2026-12-11", "2026-12-26"]),
    ],
)
def test_each_due_date_is_computed_from_the_first(
    first: str, every: Frequency, expected: list[str]
):
    assert days(first, every, len(expected)) == expected


def test_due_dates_move_to_the_next_working_day_in_italy():
    """26 December is a holiday and a Saturday, 28 December a Monday; the day of signing stays."""
    moved = days("2026-12-12", Frequency(Unit.DAY, 14), 3, holidays_of="IT")
    assert moved == ["2026-12-12", "2026-12-28", "2027-01-11"]


def test_easter_monday_and_the_new_feast_of_saint_francis_are_holidays():
    assert calendar.working_day(date(2027, 3, 28), "IT") == date(2027, 3, 30)
    assert calendar.working_day(date(2027, 10, 4), "IT") == date(2027, 10, 5)


@pytest.mark.parametrize("country", sorted(regimes.JURISDICTIONS))
def test_new_years_day_is_a_holiday_in_every_supported_jurisdiction(country: str):
    assert calendar.working_day(date(2027, 1, 1), country) > date(2027, 1, 1)


def test_due_dates_that_collide_on_one_working_day_are_refused():
    with pytest.raises(InvalidArgument) as no:
        days("2026-12-25", Frequency(Unit.DAY, 1), 4, holidays_of="IT")
    assert no.value.violations[0].field == "every"


@pytest.mark.parametrize("every", [YEARLY, Frequency(Unit.DAY, 366)])
def test_due_dates_after_the_year_9999_are_refused(every: Frequency):
    with pytest.raises(InvalidArgument) as no:
        days("9998-06-01", every, 3)
    assert no.value.violations[0].field == "signed_on"


@pytest.mark.parametrize(
    ("first", "last", "unit", "years"),
    [
        # The Commission's examples 2 and 18: the year before the boundary is a leap year.
        ("2013-01-12", "2013-02-15", Unit.MONTH, Fraction(1, 12) + Fraction(3, 366)),
        ("2012-03-12", "2012-05-01", Unit.MONTH, Fraction(1, 12) + Fraction(20, 366)),
        ("2027-01-31", "2027-02-28", Unit.MONTH, Fraction(1, 12)),
        ("2027-01-31", "2027-04-30", Unit.MONTH, Fraction(3, 12)),
        ("2026-11-26", "2026-12-10", Unit.WEEK, Fraction(2, 52)),
        ("2026-11-26", "2026-12-11", Unit.WEEK, Fraction(2, 52) + Fraction(1, 365)),
        ("2026-11-26", "2026-12-11", Unit.DAY, Fraction(15, 365)),
        ("2027-03-01", "2028-03-01", Unit.DAY, Fraction(1)),
        ("2027-11-26", "2028-12-11", Unit.DAY, Fraction(1) + Fraction(15, 365)),
        ("2028-01-01", "2028-03-01", Unit.DAY, Fraction(60, 366)),
        ("2026-11-26", "2026-11-26", Unit.MONTH, Fraction(0)),
        ("2026-12-11", "2026-11-26", Unit.DAY, -Fraction(15, 365)),
    ],
)
def test_periods_are_counted_backwards_from_the_payment(first, last, unit, years):
    found = calendar.years_between(date.fromisoformat(first), date.fromisoformat(last), unit)
    assert found == years


@given(
    st.dates(date(2020, 1, 1), date(2060, 1, 1)),
    st.integers(0, 4000),
    st.sampled_from(Unit),
)
def test_years_are_about_days_by_365(first: date, later: int, unit: Unit):
    years = calendar.years_between(first, first + timedelta(days=later), unit)
    assert abs(years * 365 - later) <= 4 + Fraction(later, 300)


@given(st.dates(date(2020, 1, 1), date(2060, 1, 1)), st.integers(1, 12), st.integers(1, 120))
def test_no_month_is_left_out(first: date, n: int, count: int):
    found = calendar.due_dates(first, Frequency(Unit.MONTH, n), count)
    months = [day.year * 12 + day.month for day in found]
    assert months == list(range(months[0], months[0] + n * count, n))
    assert all(day.day <= first.day for day in found)
