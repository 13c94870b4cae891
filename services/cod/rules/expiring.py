"""Orders that wait for their recipient to confirm them or pay their deposit, and for how long.
Pure.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from services.cod.rules.orders import Order, cancelled, waiting


def expiring(order: Order, days: int, now: datetime) -> Order:
    """The order, to expire `days` from now if it still waits then; 0: never."""
    return waiting(replace(order, expires_at=now + timedelta(days=days) if days else None))


def expired(order: Order, now: datetime) -> Order:
    """The order, cancelled if its time has come."""
    if not order.waits or order.expires_at is None or order.expires_at > now:
        return order
    return cancelled(order, now)


def has_expired(order: Order) -> bool:
    """Whether a cancelled order had expired."""
    if order.ended_at is None or order.expires_at is None:
        return False
    return order.ended_at >= order.expires_at
