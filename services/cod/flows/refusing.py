"""Refusals of orders: counted before the next offer, by keyed hashes only."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from libs import context
from libs.db import Conn
from services.cod.deps import Deps
from services.cod.rules.orders import Order
from services.cod.rules.recipients import subjects_of
from services.cod.rules.settings import Settings
from services.cod.rules.states import OrderState
from services.cod.store import refusals
from services.cod.store.refusals import Refusal

_NOT_TAKEN = (OrderState.REFUSED, OrderState.RETURNED)


async def count(
    deps: Deps, conn: Conn, subjects: Sequence[str], settings: Settings, now: datetime
) -> int:
    """Orders that this recipient has not accepted; 0 if the settings do not count them."""
    if settings.refusals.most is None or not subjects:
        return 0
    marks = [mark for subject in subjects for mark in deps.marks.all_of(subject)]
    since = now - timedelta(days=settings.refusals.within_days)
    return await refusals.count(conn, context.merchant_id(), marks, since=since)


async def record(
    deps: Deps, tx: Conn, merchant_id: str, orders: Sequence[Order], now: datetime
) -> None:
    """Records changed orders: not accepted, or accepted in the end."""
    refused = [
        Refusal(order.id, deps.marks.of(subject), now)
        for order in orders
        if order.state in _NOT_TAKEN
        for subject in subjects_of(order)
    ]
    await refusals.add(tx, merchant_id, refused)
    taken = [order.id for order in orders if order.state is OrderState.COLLECTED]
    await refusals.remove(tx, merchant_id, taken)
