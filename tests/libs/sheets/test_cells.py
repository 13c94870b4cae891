"""Amounts, days and codes as people and spreadsheets write them: read unambiguously or refused."""

import contextlib
from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.sheets.cells import (
    MOST_MINOR,
    AmountStyle,
    DayOrder,
    WrongCellError,
    amount_of,
    day_of,
    moment_of,
    text_of,
    time_of,
)

COMMA, POINT, MINOR = AmountStyle.COMMA, AmountStyle.POINT, AmountStyle.MINOR


@pytest.mark.parametrize(
    ("cell", "style", "minor"),
    [
        ("25,50", COMMA, 2550),
        ("25,5", COMMA, 2550),
        ("25", COMMA, 2500),
        ("1.234,50", COMMA, 123450),
        ("1234,50", COMMA, 123450),
        ("1.234.567", COMMA, 123456700),
        ("1.234", COMMA, 123400),
        ("€ 1 234,50", COMMA, 123450),
        ("1\u00a0234,50 EUR", COMMA, 123450),
        ("-0,50", COMMA, -50),
        ("0,50-", COMMA, -50),
        ("\u22120,50", COMMA, -50),
        ("+0,50", COMMA, 50),
        ("1,234.50", POINT, 123450),
        ("1'234.50", POINT, 123450),
        ("123450", MINOR, 123450),
        (Decimal("25.5"), COMMA, 2550),
        (Decimal("25.5"), POINT, 2550),
        (Decimal(2550), MINOR, 2550),
    ],
)
def test_an_amount_is_read_in_minor_units(cell, style, minor):
    assert amount_of(cell, style, places=2) == minor


@pytest.mark.parametrize(
    ("cell", "style"),
    [
        ("25.50", COMMA),
        ("25,50", POINT),
        ("1,234", COMMA),
        ("1.234", POINT),
        ("12.34,50", COMMA),
        ("1.2345,50", COMMA),
        ("1,234.50", COMMA),
        ("25,505", COMMA),
        ("25,", COMMA),
        (",50", COMMA),
        ("-0,50-", COMMA),
        ("25,50 USD", COMMA),
        ("", COMMA),
        ("n/a", COMMA),
        ("٢٥", COMMA),
        ("25,50", MINOR),
        ("9" * 40, COMMA),
        (Decimal("25.505"), COMMA),
        (Decimal("25.5"), MINOR),
        (Decimal("1e300"), COMMA),
        (date(2026, 5, 25), COMMA),
    ],
)
def test_an_ambiguous_or_invalid_amount_is_refused(cell, style):
    with pytest.raises(WrongCellError):
        amount_of(cell, style, places=2)


def test_decimals_in_a_currency_without_them_are_refused():
    assert amount_of("1.234", COMMA, places=0) == 1234
    with pytest.raises(WrongCellError, match="more than 0 decimals"):
        amount_of("1234,0", COMMA, places=0)


def written(minor: int, style: AmountStyle, *, thousands: bool) -> str:
    if style is MINOR:
        return str(minor)
    whole, cents = divmod(abs(minor), 100)
    text = f"{whole:,}.{cents:02d}" if thousands else f"{whole}.{cents:02d}"
    text = text if style is POINT else text.translate(str.maketrans(",.", ".,"))
    return f"-{text}" if minor < 0 else text


@given(st.integers(-MOST_MINOR, MOST_MINOR), st.sampled_from(AmountStyle), st.booleans())
def test_every_amount_that_is_written_is_read_again(minor, style, thousands):
    assert amount_of(written(minor, style, thousands=thousands), style, places=2) == minor


@given(st.integers(-(10**12), 10**12))
def test_every_amount_of_a_workbook_is_exact_although_it_holds_floats(minor):
    cell = Decimal(format(minor / 100, ".15g"))
    assert amount_of(cell, COMMA, places=2) == minor


@given(st.text(max_size=30))
def test_any_other_text_is_an_amount_or_refused(text):
    with contextlib.suppress(WrongCellError):
        assert isinstance(amount_of(text, COMMA, places=2), int)


@pytest.mark.parametrize(
    ("cell", "order"),
    [
        ("31/01/2027", DayOrder.DMY),
        ("31-1-27", DayOrder.DMY),
        ("31.01.2027 14:05", DayOrder.DMY),
        ("01/31/2027", DayOrder.MDY),
        ("2027-01-31", DayOrder.YMD),
        ("20270131", DayOrder.YMD),
        ("2027-01-31T14:05:00Z", DayOrder.YMD),
        (Decimal(46418), DayOrder.DMY),
        (Decimal("46418.75"), DayOrder.MDY),
        (date(2027, 1, 31), DayOrder.YMD),
        (datetime.fromisoformat("2027-01-31T14:05"), DayOrder.DMY),
    ],
)
def test_a_date_is_read_in_the_given_order(cell, order):
    assert day_of(cell, order) == date(2027, 1, 31)


@pytest.mark.parametrize(
    "cell",
    ["31/02/2027", "2027-01-31", "31/13/2027", "31/1", "domani", "", Decimal(0), Decimal(123456)],
)
def test_an_invalid_date_is_refused(cell):
    with pytest.raises(WrongCellError):
        day_of(cell, DayOrder.DMY)


@pytest.mark.parametrize("cell", [Decimal(1), Decimal(99999), date(1999, 1, 1)])
def test_a_date_outside_2000_to_2099_is_refused(cell):
    with pytest.raises(WrongCellError, match="from 2000 to 2099"):
        day_of(cell, DayOrder.DMY)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("00123", "00123"),
        ('="00123"', "00123"),
        (Decimal(123456789012345), "123456789012345"),
        (Decimal("123.0"), "123"),
        (Decimal("1.5"), "1.5"),
    ],
)
def test_a_code_is_read_as_typed(cell, text):
    assert text_of(cell) == text


@pytest.mark.parametrize(
    "cell", ["1,23457E+11", "1E+20", Decimal(1234567890123456), date(2027, 1, 3)]
)
def test_a_code_mangled_by_a_spreadsheet_is_refused(cell):
    with pytest.raises(WrongCellError, match="as text"):
        text_of(cell)


@pytest.mark.parametrize(
    ("cell", "clock"),
    [
        ("10:05", time(10, 5)),
        ("9.05", time(9, 5)),
        ("23:59:58", time(23, 59, 58)),
        ("10:05:30.25", time(10, 5, 30)),
        (Decimal("0.5"), time(12)),
        (Decimal("0.420138888888889"), time(10, 5)),
        (Decimal("0.999999999"), time(23, 59, 59)),
        (datetime.fromisoformat("2026-11-26T10:05:00.000007"), time(10, 5)),
    ],
)
def test_a_time_is_read_to_the_second(cell, clock):
    assert time_of(cell) == clock


@pytest.mark.parametrize(
    "cell", ["", "10", "26.11.2026", "25:00", "10:60", "alle 10:05", date(2026, 11, 26), Decimal(1)]
)
def test_an_invalid_time_is_refused(cell):
    with pytest.raises(WrongCellError):
        time_of(cell)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("26/11/2026", datetime.fromisoformat("2026-11-26")),
        ("26/11/2026 10:05", datetime.fromisoformat("2026-11-26T10:05")),
        ("26.11.2026T10.05.30", datetime.fromisoformat("2026-11-26T10:05:30")),
        (Decimal(46352), datetime.fromisoformat("2026-11-26")),
        (Decimal("46352.5"), datetime.fromisoformat("2026-11-26T12:00")),
        (date(2026, 11, 26), datetime.fromisoformat("2026-11-26")),
        (datetime.fromisoformat("2026-11-26T10:05"), datetime.fromisoformat("2026-11-26T10:05")),
    ],
)
def test_a_timestamp_is_read_with_or_without_a_time(cell, moment):
    assert moment_of(cell, DayOrder.DMY) == moment


def test_a_date_with_an_impossible_time_is_refused():
    with pytest.raises(WrongCellError):
        moment_of("26/11/2026 25:00", DayOrder.DMY)
