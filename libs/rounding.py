"""Rounds exact fractions of minor units to whole ones. Pure."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor
from typing import Final

WHOLE: Final = 10_000  # basis points
_HALF: Final = Fraction(1, 2)


def half_up(minor: Fraction) -> int:
    return floor(minor + _HALF)


def share(minor: int, basis_points: int) -> int:
    return half_up(Fraction(minor * basis_points, WHOLE))


def scaled(parts: Sequence[int], factor: Fraction) -> list[int]:
    """Each part times `factor`. The parts sum to their rounded sum, and none exceeds its original
    if `factor` is at most 1, because the running sum is rounded.
    """
    sums = [half_up(minor * factor) for minor in accumulate(parts, initial=0)]
    return [after - before for before, after in pairwise(sums)]
