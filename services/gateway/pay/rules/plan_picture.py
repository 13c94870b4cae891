"""A plan as a chart of time and money: the position and height of each payment. Pure.

Days run from left to right to scale, amounts upwards; interest and fees are on top.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

WIDTH: Final = 360
HEIGHT: Final = 96  # of the tallest bar
WIDEST: Final = 44
NARROWEST: Final = 3
GAP: Final = 0.66  # a bar's share of the width per payment
FEW: Final = 6  # payments that are labelled individually


@dataclass(frozen=True, slots=True)
class Payment:
    """`cost_minor`: interest and fees in the amount. `state` is a CSS class."""

    due_on: date
    amount_minor: int
    cost_minor: int
    label: str
    state: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in units of the chart; `y` counts from its top. `cost_height` is the upper part of
    `height`. `label` is empty if there are too many bars to label.
    """

    x: float
    y: float
    width: float
    height: float
    cost_height: float
    state: str
    label: str

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def bars(payments: Sequence[Payment]) -> Sequence[Bar]:
    """One bar per payment. Up to FEW are all labelled; otherwise only the first and the last."""
    tallest = max((payment.amount_minor for payment in payments), default=0) or 1
    first = min(payment.due_on for payment in payments)
    last = max(payment.due_on for payment in payments)
    days = (last - first).days or 1
    width = max(NARROWEST, min(WIDEST, WIDTH / len(payments) * GAP))
    found = []
    for at, payment in enumerate(payments):
        height = HEIGHT * payment.amount_minor / tallest
        cost = HEIGHT * payment.cost_minor / tallest
        ends = at in (0, len(payments) - 1)
        found.append(
            Bar(
                x=round((WIDTH - width) * (payment.due_on - first).days / days, 2),
                y=round(HEIGHT - height, 2),
                width=round(width, 2),
                height=round(height, 2),
                cost_height=round(cost, 2),
                state=payment.state,
                label=payment.label if ends or len(payments) <= FEW else "",
            )
        )
    return found
