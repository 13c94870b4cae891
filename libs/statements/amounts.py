"""Amounts and dates as written in statements. Pure."""

import re
from datetime import date
from typing import Final

from libs import money
from libs.statements.refusals import RefusedError

MOST_MINOR: Final = 2**53 - 1  # exactly representable in JSON
# Currencies replaced by the euro, which appear in old statements.
_WITHDRAWN: Final = frozenset({
    "ATS", "BGN", "CYP", "DEM", "EEK", "FIM", "FRF", "HRK", "IEP", "LTL", "LVL", "MTL", "NLG", "SIT", "SKK",
})  # fmt: skip  # a set of codes
_CODE: Final = re.compile(r"[A-Z]{3}")
_PARTS: Final = {
    mark: re.compile(rf"([+-]?)([0-9]*)(?:{re.escape(mark)}([0-9]*))?") for mark in ".,"
}
_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[TZ +-].*)?")


def places(currency: str, *, what: str, line: int) -> int:
    """Decimal places of a currency."""
    if money.is_currency(currency):
        return money.exponent(currency)
    if currency in _WITHDRAWN:
        return 2
    raise RefusedError(
        f"{what} has a currency that ISO 4217 does not list"
        if currency
        else f"{what} has no currency",
        line=line,
    )


def minor(text: str, currency: str, *, what: str, line: int, mark: str = ".") -> int:
    """Minor units of an amount, with its sign. Zeros beyond the currency's decimal places are
    ignored.
    """
    decimals = places(currency, what=what, line=line)
    found = _PARTS[mark].fullmatch(text)
    if found is None or not (found[2] or found[3]):
        raise RefusedError(f"{what} is not an amount", line=line)
    fraction = (found[3] or "").rstrip("0")
    if len(fraction) > decimals:
        raise RefusedError(f"{what} has more than the {decimals} decimals of {currency}", line=line)
    digits = (found[2] + fraction.ljust(decimals, "0")).lstrip("0") or "0"
    if len(digits) > len(str(MOST_MINOR)) or int(digits) > MOST_MINOR:
        raise RefusedError(f"{what} is too large", line=line)
    return -int(digits) if found[1] == "-" else int(digits)


def unsigned(text: str, currency: str, *, what: str, line: int, mark: str = ".") -> int:
    """Minor units of an amount whose sign is given separately."""
    if text.startswith(("-", "+")):
        raise RefusedError(f"{what} has a sign, which is given separately", line=line)
    return minor(text, currency, what=what, line=line, mark=mark)


def written(amount_minor: int, currency: str) -> str:
    """For display: -45.59 EUR."""
    decimals = places(currency, what="the amount", line=0)
    digits = str(abs(amount_minor)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole}{'.' if decimals else ''}{fraction} {currency}"


def day(text: str, *, what: str, line: int) -> date:
    """Date of an ISO date or time, in the writer's own time zone."""
    found = _DAY.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else _no_day(what, line)
    except ValueError:
        return _no_day(what, line)


def _no_day(what: str, line: int) -> date:
    raise RefusedError(f"{what} is not a calendar date", line=line) from None
