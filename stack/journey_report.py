"""A journey's report, and the error that it raises for a broken promise."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from stack.shop import JourneyFailedError, Shop


@dataclass(frozen=True)
class JourneyReport:
    what: str
    trace_id: str
    payment_id: str = ""


Journey = Callable[[Shop], Awaitable[JourneyReport]]


def expect(payment: Any, **wanted: Any) -> None:
    for name, value in wanted.items():
        if payment.get(name) != value:
            raise JourneyFailedError(f"{name} is {payment.get(name)!r}, expected {value!r}")
