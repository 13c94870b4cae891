"""Lines of remittances, compared with what their courier owes by now and booked on its orders.

All of it in one transaction, under the lock of the courier and those of the orders.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from libs import ids, outbox, threads
from libs.db import Conn
from services.cod import order_events, remittance_events
from services.cod.flows import order_links
from services.cod.rules import courier_events as event_rules
from services.cod.rules import matching
from services.cod.rules import remittances as rules
from services.cod.rules.courier_events import CourierEvent
from services.cod.rules.couriers import Courier
from services.cod.rules.matching import Claim, spellings
from services.cod.rules.orders import Order
from services.cod.rules.remittances import Line, Remittance
from services.cod.rules.states import ORDER_TRANSITIONS, OrderEvent, ParcelEvent, ParcelState
from services.cod.store import courier_events
from services.cod.store import orders as orders_store
from services.cod.store import remittances as store


@dataclass(frozen=True, slots=True)
class Owed:
    """Orders, locked, and what their courier owes for the parcels of each."""

    orders: Mapping[str, Order]
    claims: Mapping[str, Sequence[Claim]]

    def every(self) -> Sequence[Claim]:
        return [claim for of_order in self.claims.values() for claim in of_order]


@dataclass(frozen=True, slots=True)
class Compared:
    """Lines with what becomes of them, and what they may pay for."""

    lines: Sequence[Line]
    owed: Owed


async def owed_for(tx: Conn, courier: Courier, lines: Sequence[Line]) -> Owed:
    """The orders whose parcels or references the lines name, or whose parcels they are booked on."""
    numbers = {each for line in lines for each in spellings(line.tracking_number)}
    references = {each for line in lines for each in spellings(line.sender_reference)}
    numbers |= {line.parcel for line in lines if line.parcel is not None}
    orders = await store.lock_orders(
        tx, courier.merchant_id, courier.id, sorted(numbers), sorted(references)
    )
    parcels = [parcel.tracking_number for order in orders for parcel in order.parcels]
    booked = await store.booked(tx, courier.merchant_id, courier.id, parcels)
    claims = {order.id: rules.claims_of(order, courier, booked) for order in orders}
    return Owed({order.id: order for order in orders}, claims)


async def compared(
    tx: Conn, courier: Courier, remittance: Remittance, lines: Sequence[Line], *, commit: bool
) -> Compared:
    owed = await owed_for(tx, courier, lines)
    matches = await threads.run(
        matching.match,
        [line.read() for line in lines],
        owed.every(),
        tolerance_minor=remittance.tolerance_minor,
    )
    judged = [
        rules.judged(line, found, commit=commit) for line, found in zip(lines, matches, strict=True)
    ]
    return Compared(judged, owed)


async def book(
    tx: Conn, courier: Courier, compared: Compared, remittance: Remittance, now: datetime
) -> None:
    """Who passes money on has collected it, whether or not it has told."""
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in compared.lines:
        if line.booked and line.cod_order_id is not None:
            lines[line.cod_order_id].append(line)
    paid = [compared.owed.orders[order_id] for order_id in lines]
    events = [event for order in paid for event in _collections(order, lines[order.id], now)]
    steps, told = event_rules.follow(paid, events, courier)
    collected = {order.id: order for order in paid} | {
        order.id: order for order in event_rules.latest(steps)
    }
    news = [new for step in steps for new in order_events.news(step.before, step.after, now)]
    settled = []
    for order_id, of_order in lines.items():
        event = rules.settled_by(
            compared.owed.claims[order_id], of_order, tolerance_minor=remittance.tolerance_minor
        )
        order = moved(collected[order_id], event, now)
        settled.append(order)
        news.append(remittance_events.remitted(order, event, of_order, now))
    await courier_events.save(tx, told)
    await orders_store.save_moved(tx, settled)
    await outbox.tell(tx, *news)
    await order_links.follow(tx, settled)


def _collections(order: Order, lines: Sequence[Line], now: datetime) -> list[CourierEvent]:
    """Of the parcels that the courier has passed money on for, and had not told to have collected it."""
    untold = {
        parcel.tracking_number
        for parcel in order.parcels
        if parcel.state is not ParcelState.COLLECTED
    }
    return [_collection(line, now) for line in lines if line.parcel in untold]


def _collection(line: Line, now: datetime) -> CourierEvent:
    said = now if line.paid_on is None else datetime.combine(line.paid_on, time(), UTC)
    assert line.parcel is not None
    return CourierEvent(
        merchant_id=line.merchant_id,
        id=ids.new("cev"),
        courier_id=line.courier_id,
        event_id=line.id,
        tracking_number=line.parcel,
        kind=ParcelEvent.COLLECTED,
        occurred_at=min(said, now),
        received_at=now,
    )


def moved(order: Order, event: OrderEvent | None, now: datetime) -> Order:
    """Where the order's state has no such way, it stays."""
    if event is None:
        return order
    state = ORDER_TRANSITIONS.get((order.state, event))
    return order if state is None else rules.after(order, event, state, now)
