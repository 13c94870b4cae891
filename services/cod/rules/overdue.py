"""Money that a courier has collected and should already have passed on. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.cod.rules.couriers import Courier
from services.cod.rules.matching import Claim
from services.cod.rules.orders import Order, moved
from services.cod.rules.states import OrderEvent, OrderState

ZONE: Final = ZoneInfo("Europe/Rome")  # of couriers' days


def watched(order: Order, courier: Courier) -> Order:
    """The order with the time from which its money is overdue, by the terms at collection."""
    if order.state is not OrderState.COLLECTED or order.remit_due_at or not order.collected_minor:
        return order
    assert order.collected_at is not None  # it is collected
    return replace(order, remit_due_at=due_at(order.collected_at, courier))


def due_at(collected_at: datetime, courier: Courier) -> datetime:
    """The end of the day by which the courier has to pass on what it collected."""
    last = courier.remitted_by(collected_at.astimezone(ZONE).date())
    return datetime.combine(last + timedelta(days=1), time(), ZONE).astimezone(UTC)


def owed_minor(claims: Sequence[Claim]) -> int:
    """What a courier still has to pass on for an order: the open amount less its cut."""
    owed = sum(claim.open_minor - claim.cut_minor for claim in claims if claim.is_owed)
    return max(owed, 0)


def fallen_due(order: Order, claims: Sequence[Claim], now: datetime) -> Order:
    """Overdue once the time has come; not if nothing is owed."""
    due = order.remit_due_at
    if order.state is not OrderState.COLLECTED or due is None or now < due:
        return order
    if not owed_minor(claims):
        return replace(order, remit_due_at=None)
    return replace(order, state=moved(order, OrderEvent.FALL_DUE))
