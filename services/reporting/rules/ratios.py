"""Divides whole numbers for KPIs: the result is a whole number, rounded once. Pure."""

from typing import Final

BASIS_POINTS: Final = 10_000


def divided(numerator: int, denominator: int) -> int | None:
    """Rounded to the nearest number, halves away from zero. None for a zero denominator."""
    if denominator == 0:
        return None
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


def rate(part: int, of: int) -> int | None:
    """In basis points."""
    return divided(part * BASIS_POINTS, of)
