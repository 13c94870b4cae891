"""The annual percentage rate of charge (TAEG) of any cash flows, by the legal formula.

The sum of all flows, each discounted by (1 + X) to the power of its time in years, is zero:
Directive 2008/48/EC, Annex I, kept by Directive (EU) 2023/2225, Annex III. It belongs to no
service's rules, so that the operators' command computes just as instalments does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from typing import Final

MOST_FLOWS: Final = 10_000
MOST_YEARS: Final = 200
MOST_AMOUNT: Final = 10**15
PLACES: Final = 8  # of the percentage: more than are ever shown

# The root is searched as y = ln(1 + X), in floats; one Newton step in PRECISE decimals then doubles
# the correct digits.
_PRECISE: Final = Context(prec=40)
_FIRST_STEP: Final = 0.01
_GROWTH: Final = 1.5
_HIGHEST: Final = math.log(1e9)  # 100 thousand million percent
_LOWEST: Final = math.log(1e-4)  # all but a ten-thousandth is lost within a year
_MOST_EXPONENT: Final = 600.0  # of e in a float
_MOST_STEPS: Final = 200
_CLOSE: Final = 1e-14


@dataclass(frozen=True, slots=True)
class Flow:
    """`amount` is positive for a drawdown, negative for a repayment or a charge; `at` in years."""

    amount: Fraction
    at: Fraction


class NoRateError(ValueError):
    """No rate solves the equation; the message says why."""


def rate(flows: Sequence[Flow]) -> Decimal:
    """The rate in percent, to PLACES decimals. If there are several rates, the positive one closest to zero.

    Raises NoRateError.
    """
    _check(flows)
    if sum(flow.amount for flow in flows) == 0:
        return Decimal(0)
    numbers = [(float(flow.amount), float(flow.at)) for flow in flows]
    found = _refined(flows, _root(numbers))
    return found.quantize(Decimal(1).scaleb(-PLACES), ROUND_HALF_UP)


def rounded(percent: Decimal, places: int = 1) -> Decimal:
    """The rate as shown: rounded half up, to at least one decimal (Annex I, remark d)."""
    return percent.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _check(flows: Sequence[Flow]) -> None:
    if len(flows) > MOST_FLOWS:
        raise NoRateError(f"there are more than {MOST_FLOWS} flows")
    if any(abs(flow.amount) > MOST_AMOUNT for flow in flows):
        raise NoRateError(f"an amount is beyond {MOST_AMOUNT}")
    if any(abs(flow.at) > MOST_YEARS for flow in flows):
        raise NoRateError(f"a time is beyond {MOST_YEARS} years")
    if not any(flow.amount > 0 for flow in flows):
        raise NoRateError("nothing is drawn down")
    if not any(flow.amount < 0 for flow in flows):
        raise NoRateError("nothing is paid back")


def _worth(numbers: Sequence[tuple[float, float]], y: float) -> float:
    return math.fsum(amount * math.exp(-at * y) for amount, at in numbers)


def _slope(numbers: Sequence[tuple[float, float]], y: float) -> float:
    return math.fsum(-at * amount * math.exp(-at * y) for amount, at in numbers)


def _root(numbers: Sequence[tuple[float, float]]) -> float:
    low, high = _bracket(numbers)
    sign = math.copysign(1.0, _worth(numbers, low))
    y = (low + high) / 2
    for _ in range(_MOST_STEPS):
        worth = _worth(numbers, y)
        if worth * sign > 0:
            low = y
        else:
            high = y
        slope = _slope(numbers, y)
        after = y - worth / slope if slope else low
        if not min(low, high) < after < max(low, high):
            after = (low + high) / 2  # Newton's step leaves the bracket: halve it
        if abs(after - y) <= _CLOSE * (1 + abs(y)):
            return after
        y = after
    return y


def _bracket(numbers: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """An interval in which the sum changes its sign, by steps from zero: upwards if there is a cost."""
    before, at_zero = 0.0, _worth(numbers, 0.0)
    longest = max(abs(at) for _, at in numbers)
    room = _MOST_EXPONENT / longest if longest else _HIGHEST
    end = min(_HIGHEST, room) if at_zero < 0 else max(_LOWEST, -room)
    y = math.copysign(_FIRST_STEP, end)
    while True:
        y = math.copysign(min(abs(y), abs(end)), end)
        if _worth(numbers, y) * at_zero <= 0:
            return before, y
        if y == end:
            raise NoRateError("no rate makes what is paid worth what is drawn down")
        before, y = y, y * _GROWTH


def _refined(flows: Sequence[Flow], y: float) -> Decimal:
    with localcontext(_PRECISE):
        exact = Decimal(y)
        worth = slope = Decimal(0)
        for flow in flows:
            at = _decimal(flow.at)
            discounted = _decimal(flow.amount) * (-at * exact).exp()
            worth += discounted
            slope -= at * discounted
        if slope:
            exact -= worth / slope
        return (exact.exp() - 1) * 100


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator
