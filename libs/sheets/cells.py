"""Reads a cell of a table: an amount, a day, a code. Pure.

A cell of a CSV file is text; one of a workbook may be a number or a day. The author may have opened
the table in a spreadsheet, which shortens numbers, drops zeros and turns texts into days: whatever
cannot be read for certain is a WrongCellError, never a guess.
"""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

from libs.money import Money, exponent

Cell = str | Decimal | date


class AmountStyle(Enum):
    """How an amount is written: 1,234.50 in euro."""

    COMMA = "comma"  # 1.234,50
    POINT = "point"  # 1,234.50
    MINOR = "minor"  # 123450


class DayOrder(Enum):
    """How a date is written: 31 January 2027."""

    DMY = "dmy"  # 31/01/2027
    MDY = "mdy"  # 01/31/2027
    YMD = "ymd"  # 2027-01-31


MOST_MINOR: Final = 2**53 - 1  # exactly representable in JSON
SAFE_DIGITS: Final = 15  # of a number in a spreadsheet; any further digits are zeros
FIRST_YEAR, LAST_YEAR = 2000, 2099  # anything outside is another kind of number, or a typo
# Thousands in groups of three, then the decimals; a minus on one side.
_BEFORE, _AFTER = r"(?:\+|(?P<before>[-\u2212]))?", r"(?P<after>(?(before)|[-\u2212]?))"
_GROUPS: Final = {
    AmountStyle.COMMA: r"(?P<whole>[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,(?P<decimals>[0-9]+))?",
    AmountStyle.POINT: r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<decimals>[0-9]+))?",
    AmountStyle.MINOR: r"(?P<whole>[0-9]+)(?P<decimals>)",
}
_WRITTEN: Final = {
    style: re.compile(_BEFORE + groups + _AFTER) for style, groups in _GROUPS.items()
}
_EXAMPLES: Final = {
    AmountStyle.COMMA: "1.234,50",
    AmountStyle.POINT: "1,234.50",
    AmountStyle.MINOR: "123450",
}
_DAY_EXAMPLES: Final = {
    DayOrder.DMY: "31/01/2027",
    DayOrder.MDY: "01/31/2027",
    DayOrder.YMD: "2027-01-31",
}
_MARKS: Final = str.maketrans("", "", ".,")
_CURRENCIES: Final = ("€", "EUR")
_PARTING: Final = dict.fromkeys(map(ord, " \u00a0\u202f'\u2019"))  # also between thousands
_KEPT: Final = re.compile(r'="([^"]*)"')  # how zeros are preserved in a CSV file
_SHORTENED: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}")
_YEAR: Final = "(?P<year>[0-9]{4}|[0-9]{2})"
_DAYS: Final = {
    DayOrder.DMY: re.compile(rf"(?P<day>[0-9]{{1,2}})[/.-](?P<month>[0-9]{{1,2}})[/.-]{_YEAR}"),
    DayOrder.MDY: re.compile(rf"(?P<month>[0-9]{{1,2}})[/.-](?P<day>[0-9]{{1,2}})[/.-]{_YEAR}"),
    DayOrder.YMD: re.compile(rf"{_YEAR}[/.-]?(?P<month>[0-9]{{2}})[/.-]?(?P<day>[0-9]{{2}})"),
}
_CLOCK: Final = re.compile(
    r"(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})(?:[:.](?P<second>[0-9]{2})(?:\.[0-9]*)?)?"
)
_TIME: Final = re.compile(r"[T ](?P<clock>[0-9]{1,2}[:.][0-9]{2}[0-9:.]{0,10})Z?")
_DAY_SECONDS: Final = 86_400
_EPOCH: Final = date(1899, 12, 30)  # of the days that a spreadsheet counts, from March 1900 on
_LAST_COUNTED: Final = 100_000  # in 2173


class WrongCellError(ValueError):
    """Says what is wrong with the cell, for a person; it does not repeat the contents."""


def text_of(cell: Cell) -> str:
    """A code or a word as typed; for a number, its digits."""
    if isinstance(cell, str):
        if _SHORTENED.fullmatch(cell):
            raise WrongCellError("was shortened by a spreadsheet: export the column as text")
        kept = _KEPT.fullmatch(cell)
        return kept[1] if kept else cell
    if isinstance(cell, date):
        raise WrongCellError("was turned into a date by a spreadsheet: export the column as text")
    if abs(cell) >= 10**SAFE_DIGITS:
        raise WrongCellError("lost its last digits in a spreadsheet: export the column as text")
    return f"{int(cell)}" if cell == cell.to_integral_value() else f"{cell:f}"


def amount_of(cell: Cell, style: AmountStyle, *, places: int) -> int:
    """Minor units of a currency with this many decimals; the sign may be before or after."""
    if isinstance(cell, date):
        raise WrongCellError("was turned into a date by a spreadsheet: export it as a number")
    amount = (
        _counted(cell, style, places)
        if isinstance(cell, Decimal)
        else _written(cell, style, places)
    )
    if abs(amount) > MOST_MINOR:
        raise WrongCellError("is too large")
    return amount


def written(amount: Money, style: AmountStyle) -> str:
    """The amount with all decimals of the currency, without thousands separators."""
    if style is AmountStyle.MINOR:
        return str(amount.amount_minor)
    major = str(Decimal(amount.amount_minor).scaleb(-exponent(amount.currency)))
    return major.replace(".", ",") if style is AmountStyle.COMMA else major


def _counted(number: Decimal, style: AmountStyle, places: int) -> int:
    """A number in a workbook has no separators: its style is only for display."""
    scaled = number if style is AmountStyle.MINOR else number.scaleb(places)
    if scaled != scaled.to_integral_value():
        raise WrongCellError(
            f"has more than {0 if style is AmountStyle.MINOR else places} decimals"
        )
    return int(scaled)


def _written(text: str, style: AmountStyle, places: int) -> int:
    for currency in _CURRENCIES:
        text = text.removeprefix(currency).removesuffix(currency)
    found = _WRITTEN[style].fullmatch(text.translate(_PARTING))
    if found is None:
        raise WrongCellError(f"is not an amount like {_EXAMPLES[style]}")
    whole, decimals = found["whole"].translate(_MARKS), found["decimals"] or ""
    if len(decimals) > places:
        raise WrongCellError(f"has more than {places} decimals")
    amount = int(whole if style is AmountStyle.MINOR else whole + decimals.ljust(places, "0"))
    return -amount if found["before"] or found["after"] else amount


def day_of(cell: Cell, order: DayOrder) -> date:
    """A time of day may follow, and is ignored. A bare number in a workbook counts days."""
    if isinstance(cell, date):
        found = cell.date() if isinstance(cell, datetime) else cell
    elif isinstance(cell, Decimal):
        found = _counted_day(cell)
    else:
        found = _written_day(cell, order)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise WrongCellError(f"is not a date from {FIRST_YEAR} to {LAST_YEAR}")
    return found


def time_of(cell: Cell) -> time:
    """The time of day, to the second. A number in a workbook is a fraction of the day."""
    if isinstance(cell, datetime):
        return cell.time().replace(microsecond=0)
    if isinstance(cell, Decimal) and 0 <= cell < 1:
        seconds = min(round(cell * _DAY_SECONDS), _DAY_SECONDS - 1)
        return time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    found = _CLOCK.fullmatch(cell) if isinstance(cell, str) else None
    if found is None:
        raise WrongCellError("is not a time like 10:05")
    try:
        return time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
    except ValueError:
        raise WrongCellError("is not a valid time of day") from None


def moment_of(cell: Cell, order: DayOrder) -> datetime:
    """The day and the time that follows it, without a time zone; midnight if none follows."""
    day = day_of(cell, order)
    if isinstance(cell, str):
        found = _TIME.search(cell)
        return datetime.combine(day, time_of(found["clock"]) if found else time())
    if isinstance(cell, Decimal):
        return datetime.combine(day, time_of(cell % 1))
    return datetime.combine(day, time_of(cell) if isinstance(cell, datetime) else time())


def _counted_day(number: Decimal) -> date:
    """The fraction is the time of the day."""
    if not 0 < number < _LAST_COUNTED:
        raise WrongCellError("is a number, not a date")
    return _EPOCH + timedelta(days=int(number))


def _written_day(text: str, order: DayOrder) -> date:
    found = _DAYS[order].fullmatch(_TIME.sub("", text))
    if found is None:
        raise WrongCellError(f"is not a date like {_DAY_EXAMPLES[order]}")
    year, month, day = (int(found[part]) for part in ("year", "month", "day"))
    try:
        return date(year if len(found["year"]) > len("27") else FIRST_YEAR + year, month, day)
    except ValueError:
        raise WrongCellError("is not a calendar date") from None
