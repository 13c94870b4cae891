"""Charts as numbers for SVG: the position of each bar. Pure; templates draw them, with a table of the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 180
TOP: Final = 14  # room for the label of the largest value
GAP: Final = 0.3  # share of a column's width
LEAST: Final = 2.0  # height of the smallest value above zero


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Bars side by side; `peak` is the index of the largest, None if all are zero."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    peak: int | None


def columns(values: Sequence[int]) -> Columns:
    """The bars of the values; negative values are drawn as zero."""
    most = max((*values, 0))
    room = WIDTH / max(len(values), 1)
    bars = []
    for place, value in enumerate(values):
        height = _height(value, most)
        bars.append(
            Bar(
                x=round(place * room + room * GAP / 2, 2),
                y=round(HEIGHT - height, 2),
                width=round(room * (1 - GAP), 2),
                height=round(height, 2),
            )
        )
    return Columns(WIDTH, HEIGHT, tuple(bars), list(values).index(most) if most else None)


def bars(values: Sequence[int]) -> list[float]:
    """Lengths in per cent of the largest."""
    most = max((*values, 0))
    return [round(max(value, 0) * 100 / most, 2) if most else 0.0 for value in values]


def _height(value: int, most: int) -> float:
    if value <= 0:
        return 0.0
    return max(LEAST, value * (HEIGHT - TOP) / most)
