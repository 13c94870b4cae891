"""Parcels: acknowledged by their courier, dispatched, and followed by the courier's events."""

from collections.abc import Collection, Sequence
from datetime import datetime

from libs import context, ids, outbox
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import invalid, required
from services.cod import order_events
from services.cod.deps import Deps
from services.cod.errors import CourierNotFound, EventNotFound
from services.cod.flows import order_links, refusing
from services.cod.flows.orders import locked
from services.cod.order_events import Reason
from services.cod.rules import acknowledging, orders
from services.cod.rules import courier_events as rules
from services.cod.rules import parcels as parcel_rules
from services.cod.rules.acknowledging import Acknowledgement, Known
from services.cod.rules.courier_events import CLOCKS_DIFFER, CourierEvent, NewCourierEvent
from services.cod.rules.couriers import Courier
from services.cod.rules.orders import Order
from services.cod.rules.parcels import AcknowledgedParcel
from services.cod.rules.states import ParcelEvent
from services.cod.store import courier_events
from services.cod.store import orders as store
from services.cod.store.courier_events import COURIER_EVENTS
from services.cod.store.couriers import COURIERS


async def acknowledge_amounts(
    deps: Deps, courier_id: str, parcels: tuple[AcknowledgedParcel, ...]
) -> Sequence[Acknowledgement]:
    """Results by order, in the order of first appearance."""
    return await acknowledge(deps, courier_id, parcels, parcel_rules.twice(parcels))


async def acknowledge(
    deps: Deps,
    courier_id: str,
    parcels: Sequence[AcknowledgedParcel],
    twice: Collection[str],
) -> Sequence[Acknowledgement]:
    """The same for the parcels of one list, or a part of it. `twice`: tracking numbers that occur
    more than once in the whole list.
    """
    merchant_id = context.merchant_id()
    by_order = parcel_rules.by_order(parcels)
    async with deps.db.transaction() as tx:
        await _locked_courier(tx, courier_id)
        known_orders = await store.lock_live(tx, merchant_id, courier_id, list(by_order))
        numbers = [parcel.tracking_number for parcel in parcels]
        known = Known(await store.owners(tx, merchant_id, courier_id, numbers), twice)
        answers, changed = [], []
        for reference, of_order in by_order.items():
            before = known_orders.get(reference)
            after, answer = acknowledging.acknowledged(reference, of_order, before, known)
            answers.append(answer)
            if after is not None and after != before:
                changed.append(after)
        await store.remove_parcels(tx, merchant_id, [order.id for order in changed])
        await store.save_moved(tx, changed)
    return answers


async def _locked_courier(tx: Conn, courier_id: str) -> Courier:
    """Locked, so that its reports are recorded one call at a time. Raises CourierNotFound."""
    return required(await COURIERS.lock(tx, context.merchant_id(), courier_id), CourierNotFound)


async def dispatch_order(deps: Deps, cod_order_id: str) -> Order:
    """Also applies earlier events about its parcels, which were waiting for the dispatch."""
    async with deps.db.transaction() as tx:
        before, now = await locked(tx, cod_order_id), deps.clock.now()
        after = orders.dispatched(before, now)
        if after == before:
            return after
        await store.save(tx, after)
        await outbox.append(tx, *order_events.for_change(before, after, now))
        await outbox.append(tx, *order_events.message(after, Reason.DISPATCHED, now))
        return await apply_waiting(deps, tx, after, now)


async def apply_waiting(deps: Deps, tx: Conn, order: Order, now: datetime) -> Order:
    """Applies waiting events about the parcels of an order that is locked and saved."""
    numbers = [parcel.tracking_number for parcel in order.parcels]
    waiting = await courier_events.waiting(tx, order.merchant_id, order.courier_id, numbers)
    courier = await COURIERS.get(tx, order.merchant_id, order.courier_id)
    assert courier is not None  # its orders reference it
    moved, _ = await _followed(deps, tx, courier, [order], waiting, now=now)
    return moved[0] if moved else order


async def record_courier_events(
    deps: Deps, courier_id: str, events: Sequence[NewCourierEvent]
) -> Sequence[CourierEvent]:
    """The result of each event, in their order. A repeated event id returns the first result."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    _check(events, now)
    async with deps.db.transaction() as tx:
        courier = await _locked_courier(tx, courier_id)
        event_ids = [event.event_id for event in events]
        known = dict(await courier_events.known(tx, merchant_id, courier_id, event_ids))
        fresh: dict[str, CourierEvent] = {}
        for event in events:
            if event.event_id not in known:
                fresh.setdefault(event.event_id, _received(event, courier_id, now))
        numbers = [event.tracking_number for event in fresh.values()]
        orders_of = await store.lock_of_parcels(tx, merchant_id, courier_id, numbers)
        _, kept = await _followed(deps, tx, courier, orders_of, list(fresh.values()), now=now)
    known |= {event.event_id: event for event in kept}
    return [known[event_id] for event_id in event_ids]


async def resolve_courier_event(deps: Deps, courier_event_id: str, resolution: str) -> CourierEvent:
    """Records that a person has looked at it."""
    call = context.current()
    async with deps.db.transaction() as tx:
        found = await COURIER_EVENTS.lock(tx, context.merchant_id(), courier_event_id)
        before = required(found, EventNotFound)
        after = rules.resolved(before, resolution, by=call.actor, now=deps.clock.now())
        if after != before:
            await courier_events.resolve(tx, after)
    return after


def _check(events: Sequence[NewCourierEvent], now: datetime) -> None:
    """Raises InvalidArgument."""
    for index, event in enumerate(events):
        if event.occurred_at > now + CLOCKS_DIFFER:
            raise invalid(f"events.{index}.occurred_at", "must not be in the future")
        if event.kind is ParcelEvent.COLLECTED:
            continue
        for name in ("amount_minor", "mode"):
            if getattr(event, name) is not None:
                raise invalid(f"events.{index}.{name}", "can only be set if kind is collected")


def _received(event: NewCourierEvent, courier_id: str, now: datetime) -> CourierEvent:
    return copy_as(
        CourierEvent,
        event,
        merchant_id=context.merchant_id(),
        id=ids.new("cev"),
        courier_id=courier_id,
        received_at=now,
    )


async def _followed(
    deps: Deps,
    tx: Conn,
    courier: Courier,
    locked_orders: Sequence[Order],
    events: Sequence[CourierEvent],
    *,
    now: datetime,
) -> tuple[Sequence[Order], Sequence[CourierEvent]]:
    """Changed orders, and the events with their results: saved and published."""
    steps, kept = rules.follow(locked_orders, events, courier)
    moved = rules.latest(steps)
    await store.save_moved(tx, moved)
    await courier_events.save(tx, kept)
    changes = [
        new for step in steps for new in order_events.for_change(step.before, step.after, now)
    ]
    before = {order.id: order for order in locked_orders}
    letters = [
        new for order in moved for new in order_events.notifications(before[order.id], order, now)
    ]
    await outbox.append(tx, *changes, *letters)
    await refusing.record(deps, tx, context.merchant_id(), moved, now)
    await order_links.follow(tx, moved, now)
    return moved, kept
