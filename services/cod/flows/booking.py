"""Compares lines of remittances with what their courier owes now, and books them on its orders.

Everything happens in one transaction, under the locks of the courier and the orders.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

from libs import ids, outbox, threads
from libs.chunks import chunked
from libs.db import Conn
from libs.outbox import NewEvent
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

BLOCK: Final = 1_000  # lines or orders per statement: encoding them blocks the event loop


@dataclass(frozen=True, slots=True)
class Compared:
    """Lines with their results, and the claims for each order's parcels, by order id. The orders
    are locked.
    """

    lines: Sequence[Line]
    claims: Mapping[str, Sequence[Claim]]


async def owed_for(
    tx: Conn, courier: Courier, lines: Sequence[Line]
) -> Mapping[str, Sequence[Claim]]:
    """Claims for the orders whose parcels or references the lines name, or on which they are
    booked; the orders are locked.
    """
    merchant_id = courier.merchant_id
    numbers, references = await threads.run(_named, lines)
    orders = await store.lock_orders(tx, merchant_id, courier.id, numbers, references)
    claims: dict[str, list[Claim]] = defaultdict(list)
    for block in chunked(orders, BLOCK):
        owing = await store.owing(tx, merchant_id, block)
        parcels = [parcel.tracking_number for parcel in owing]
        booked = await store.booked(tx, merchant_id, courier.id, parcels)
        for parcel in owing:
            claims[parcel.order_id].append(rules.claim_of(parcel, courier, booked))
    return claims


def _named(lines: Sequence[Line]) -> tuple[list[str], list[str]]:
    numbers = {each for line in lines for each in spellings(line.tracking_number)}
    numbers |= {line.parcel for line in lines if line.parcel is not None}
    references = {each for line in lines for each in spellings(line.sender_reference)}
    return sorted(numbers), sorted(references)


async def compared(
    tx: Conn, courier: Courier, remittance: Remittance, lines: Sequence[Line], *, commit: bool
) -> Compared:
    claims = await owed_for(tx, courier, lines)
    judged = await threads.run(_judged, remittance, lines, claims, commit=commit)
    return Compared(judged, claims)


def _judged(
    remittance: Remittance,
    lines: Sequence[Line],
    claims: Mapping[str, Sequence[Claim]],
    *,
    commit: bool,
) -> Sequence[Line]:
    matches = matching.match(
        [line.read() for line in lines],
        every(claims),
        tolerance_minor=remittance.tolerance_minor,
    )
    return [
        rules.with_match(line, found, commit=commit)
        for line, found in zip(lines, matches, strict=True)
    ]


def every(claims: Mapping[str, Sequence[Claim]]) -> Sequence[Claim]:
    return [claim for of_order in claims.values() for claim in of_order]


async def book(
    tx: Conn, courier: Courier, compared: Compared, remittance: Remittance, now: datetime
) -> None:
    """Books block by block, in one transaction: while one block is written, the next is computed.
    A courier that passes money on must have collected it, whether or not it reported so.
    """
    books = _Books(courier, compared.claims, remittance, now)
    done: _Booked | None = None
    for block in chunked(await threads.run(rules.by_order, compared.lines), BLOCK):
        orders = await orders_store.of_ids(tx, courier.merchant_id, [each for each, _ in block])
        computing = asyncio.create_task(threads.run(books.of_orders, orders, dict(block)))
        if done is not None:
            await _save(tx, done, now)
        done = await computing
    if done is not None:
        await _save(tx, done, now)


@dataclass(frozen=True, slots=True)
class _Booked:
    """The orders as booked, those found collected only now, the courier events derived from that,
    and our events.
    """

    orders: Sequence[Order]
    collected: Sequence[Order]
    events: Sequence[CourierEvent]
    new_events: Sequence[NewEvent]


async def _save(tx: Conn, booked: _Booked, now: datetime) -> None:
    await courier_events.save(tx, booked.events)
    await orders_store.save_states(tx, booked.orders)
    await orders_store.save_parcels(tx, booked.collected)
    await outbox.append(tx, *booked.new_events)
    await order_links.follow(tx, booked.orders, now)


@dataclass(frozen=True, slots=True)
class _Books:
    """Books a remittance's lines, order by order."""

    courier: Courier
    claims: Mapping[str, Sequence[Claim]]
    remittance: Remittance
    now: datetime

    def of_orders(self, orders: Sequence[Order], lines: Mapping[str, Sequence[Line]]) -> _Booked:
        now = self.now
        events = [one for order in orders for one in _collections(order, lines[order.id], now)]
        steps, recorded = event_rules.follow(orders, events, self.courier)
        collected = {order.id: order for order in event_rules.latest(steps)}
        new_events = [
            new for step in steps for new in order_events.for_change(step.before, step.after, now)
        ]
        settled = []
        for order in orders:
            after, event = self._settled(collected.get(order.id, order), lines[order.id])
            settled.append(after)
            new_events.append(event)
        return _Booked(settled, list(collected.values()), recorded, new_events)

    def _settled(self, order: Order, lines: Sequence[Line]) -> tuple[Order, NewEvent]:
        claims = self.claims[order.id]
        tolerance = self.remittance.tolerance_minor
        event = rules.settled_by(claims, lines, tolerance_minor=tolerance)
        after = moved(order, event, self.now)
        return after, remittance_events.remitted(after, event, lines, claims, self.now)


def _collections(order: Order, lines: Sequence[Line], now: datetime) -> list[CourierEvent]:
    """Collections of parcels for which the courier passed money on without having reported them as
    collected.
    """
    unreported = {
        parcel.tracking_number
        for parcel in order.parcels
        if parcel.state is not ParcelState.COLLECTED
    }
    return [_collection(line, now) for line in lines if line.parcel in unreported]


def _collection(line: Line, now: datetime) -> CourierEvent:
    collected_at = now if line.paid_on is None else datetime.combine(line.paid_on, time(), UTC)
    assert line.parcel is not None
    return CourierEvent(
        merchant_id=line.merchant_id,
        id=ids.new("cev"),
        courier_id=line.courier_id,
        event_id=line.id,
        tracking_number=line.parcel,
        kind=ParcelEvent.COLLECTED,
        occurred_at=min(collected_at, now),
        received_at=now,
    )


def moved(order: Order, event: OrderEvent | None, now: datetime) -> Order:
    """Unchanged if the order's state has no such transition."""
    if event is None:
        return order
    state = ORDER_TRANSITIONS.get((order.state, event))
    return order if state is None else rules.after(order, event, state, now)
