"""Courier events about parcels and their results: applied, late, or to be looked at by a person.
Pure.

Couriers repeat themselves, report out of order, and often give only the day. So a final event
outweighs a movement. An event that contradicts a final one changes nothing; it is kept, as is a
collection that differs from the agreed amount: an order never counts for more than it costs,
whatever its parcels brought.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from services.cod.errors import EventNotException
from services.cod.rules import overdue, parcels
from services.cod.rules.couriers import CollectionMode, Courier
from services.cod.rules.orders import Order
from services.cod.rules.parcels import Parcel
from services.cod.rules.states import (
    CHANGEABLE,
    ORDER_TRANSITIONS,
    PARCEL_FINAL,
    PARCEL_TRANSITIONS,
    OrderEvent,
    OrderState,
    ParcelEvent,
    ParcelState,
)

CLOCKS_DIFFER: Final = timedelta(days=1)  # maximum difference between a courier's clock and ours
SAME_DAY: Final = timedelta(days=1)  # within which the order of reports proves nothing
_MOVES: Final = (ParcelEvent.OUT_FOR_DELIVERY, ParcelEvent.ATTEMPT_FAILED)


class Outcome(Enum):
    APPLIED = "applied"
    REPEATED = "repeated"  # nothing new
    LATE = "late"  # already superseded
    WAITING = "waiting"  # until its order is dispatched
    CONTRADICTS = "contradicts"


class Concern(Enum):
    """Something that a person should look at."""

    UNKNOWN_PARCEL = "unknown_parcel"
    NOT_DISPATCHED = "not_dispatched"
    ORDER_CANCELLED = "order_cancelled"
    ALREADY_COLLECTED = "already_collected"
    ALREADY_RETURNED = "already_returned"
    REFUSED_SINCE = "refused_since"
    NOTHING_TO_COLLECT = "nothing_to_collect"
    AMOUNT_DIFFERS = "amount_differs"
    MODE_DIFFERS = "mode_differs"
    PARTLY_COLLECTED = "partly_collected"
    PAID_ONLINE = "paid_online"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCourierEvent:
    """As reported by a courier. `event_id`: the courier's own."""

    event_id: str
    tracking_number: str
    kind: ParcelEvent
    occurred_at: datetime
    amount_minor: int | None
    mode: CollectionMode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierEvent:
    """`event_id`: the courier's own."""

    merchant_id: str
    id: str
    courier_id: str
    event_id: str
    tracking_number: str
    kind: ParcelEvent
    occurred_at: datetime
    amount_minor: int | None = None
    mode: CollectionMode | None = None
    cod_order_id: str | None = None
    outcome: Outcome = Outcome.WAITING
    exception: Concern | None = Concern.UNKNOWN_PARCEL
    received_at: datetime
    resolution: str | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    is_exception: bool = True  # computed by the database


def resolved(event: CourierEvent, resolution: str, *, by: str, now: datetime) -> CourierEvent:
    """A person has looked at it; the first resolution stays. Raises EventNotException."""
    if event.exception is None:
        raise EventNotException
    if event.resolved_at is not None:
        return event
    return replace(
        event, resolution=resolution, resolved_by=by, resolved_at=now, is_exception=False
    )


@dataclass(frozen=True, slots=True)
class Applied:
    """The order after an event, and the event with its result."""

    order: Order
    event: CourierEvent


@dataclass(frozen=True, slots=True)
class Step:
    """An order before and after an event."""

    before: Order
    after: Order


def follow(
    orders: Sequence[Order], events: Sequence[CourierEvent], courier: Courier
) -> tuple[Sequence[Step], Sequence[CourierEvent]]:
    """The results of events, in order of time, and their effect on the courier's orders. An event
    about an unknown parcel waits.
    """
    present = {order.id: order for order in orders}
    owner = {one.tracking_number: order.id for order in orders for one in order.parcels}
    steps, recorded = [], []
    for event in sorted(events, key=lambda event: event.occurred_at):
        order = present.get(owner.get(event.tracking_number, ""))
        if order is None:
            recorded.append(event)
            continue
        applied = apply(order, event)
        recorded.append(applied.event)
        after = overdue.watched(applied.order, courier)
        if after != order:
            present[order.id] = after
            steps.append(Step(order, after))
    return steps, recorded


def latest(steps: Sequence[Step]) -> Sequence[Order]:
    """Each order after all events."""
    return list({step.after.id: step.after for step in steps}.values())


def apply(order: Order, event: CourierEvent) -> Applied:
    """Applies an event about one of the order's parcels."""
    named = replace(event, cod_order_id=order.id)
    if order.state in CHANGEABLE:
        return Applied(order, _kept(named, Outcome.WAITING, Concern.NOT_DISPATCHED))
    if order.state is OrderState.CANCELLED:
        return Applied(order, _kept(named, Outcome.CONTRADICTS, Concern.ORDER_CANCELLED))
    parcel = next(one for one in order.parcels if one.tracking_number == named.tracking_number)
    if (verdict := _against(parcel, named)) is not None:
        return Applied(order, _kept(named, *verdict))
    after, concern = _parcel_after(order, parcel, named)
    moved, partly = _order_after(order, after, named.kind)
    return Applied(moved, _kept(named, Outcome.APPLIED, concern or partly))


def _kept(event: CourierEvent, outcome: Outcome, exception: Concern | None) -> CourierEvent:
    wrong = exception is not None
    return replace(event, outcome=outcome, exception=exception, is_exception=wrong)


def _against(parcel: Parcel, event: CourierEvent) -> tuple[Outcome, Concern | None] | None:
    """The reason why an event does not change its parcel; None if it does."""
    last = parcel.last_event_at
    if parcel.state in PARCEL_FINAL:
        return _after_the_end(parcel, event)
    if event.kind is ParcelEvent.COLLECTED:
        if event.amount_minor and not parcel.to_collect_minor:
            return Outcome.CONTRADICTS, Concern.NOTHING_TO_COLLECT
        refused = parcel.state is ParcelState.REFUSED
        if refused and last is not None and event.occurred_at < last:
            return Outcome.CONTRADICTS, Concern.REFUSED_SINCE
        return None
    if event.kind is ParcelEvent.REFUSED and parcel.state is ParcelState.REFUSED:
        return Outcome.REPEATED, None
    if event.kind is ParcelEvent.RETURNED or last is None or event.occurred_at >= last:
        return None
    return Outcome.LATE, None


def _after_the_end(parcel: Parcel, event: CourierEvent) -> tuple[Outcome, Concern | None]:
    collected = parcel.state is ParcelState.COLLECTED
    already = Concern.ALREADY_COLLECTED if collected else Concern.ALREADY_RETURNED
    if event.kind.value == parcel.state.value:
        same = event.amount_minor in {None, parcel.collected_minor} and event.mode in {
            None,
            parcel.collected_in,
        }
        return (Outcome.REPEATED, None) if same else (Outcome.CONTRADICTS, already)
    assert parcel.last_event_at is not None  # the final event
    since = event.occurred_at - parcel.last_event_at
    over = SAME_DAY if event.kind in _MOVES else timedelta()
    before_the_end = event.kind in (*_MOVES, ParcelEvent.REFUSED) and since < over
    return (Outcome.LATE, None) if before_the_end else (Outcome.CONTRADICTS, already)


def _parcel_after(
    order: Order, parcel: Parcel, event: CourierEvent
) -> tuple[Order, Concern | None]:
    """The order with its parcel after the event, and any deviation from what was agreed."""
    state = PARCEL_TRANSITIONS[parcel.state, event.kind]
    last = max(event.occurred_at, parcel.last_event_at or event.occurred_at)
    after, concern = replace(parcel, state=state, last_event_at=last), None
    if event.kind is ParcelEvent.COLLECTED:
        amount = parcel.to_collect_minor if event.amount_minor is None else event.amount_minor
        mode = event.mode or order.mode
        booked = min(amount, order.to_collect_minor - order.collected_minor)
        after = parcels.collected(after, amount_minor=booked, mode=mode, at=event.occurred_at)
        if order.state is OrderState.CONVERTED:
            concern = Concern.PAID_ONLINE if amount else None
        elif amount != parcel.to_collect_minor:
            concern = Concern.AMOUNT_DIFFERS
        elif mode is not order.mode and amount:
            concern = Concern.MODE_DIFFERS
    every = parcels.with_parcel(order.parcels, after)
    return replace(order, parcels=every, collected_minor=_collected(every)), concern


def _collected(every: tuple[Parcel, ...]) -> int:
    return sum(parcel.collected_minor for parcel in every)


def _order_after(before: Order, order: Order, kind: ParcelEvent) -> tuple[Order, Concern | None]:
    """The order's state follows the parcels that carry the amount; other parcels only move it along
    the way.
    """
    carrying = [parcel for parcel in order.parcels if parcel.to_collect_minor]
    states = {parcel.state for parcel in carrying}
    if kind is ParcelEvent.ATTEMPT_FAILED:
        return _moved(replace(order, attempts=before.attempts + 1), OrderEvent.FAIL), None
    if kind is ParcelEvent.OUT_FOR_DELIVERY:
        return _moved(order, OrderEvent.GO_OUT), None
    if order.state is OrderState.CONVERTED and not order.collected_minor:
        return order, Concern.PAID_ONLINE if states == {ParcelState.RETURNED} else None
    if states == {ParcelState.RETURNED}:
        return _moved(order, OrderEvent.RETURN), None
    if states <= {ParcelState.REFUSED, ParcelState.RETURNED}:
        return _moved(order, OrderEvent.REFUSE), None
    partly = Concern.PARTLY_COLLECTED if len(states) > 1 else None
    if states <= PARCEL_FINAL:
        return _moved(order, OrderEvent.COLLECT), partly
    return order, None


def _moved(order: Order, event: OrderEvent) -> Order:
    """Unchanged if the order's state has no such transition: collected money may already be on its
    way to us.
    """
    to = ORDER_TRANSITIONS.get((order.state, event), order.state)
    after = replace(order, state=to)
    if to is OrderState.COLLECTED and order.state is not to:
        times = [one.collected_at for one in order.parcels if one.collected_at is not None]
        after = replace(after, collected_at=max(times))
    if to is OrderState.RETURNED and order.state is not to:
        ended = [one.last_event_at for one in order.parcels if one.last_event_at is not None]
        after = replace(after, ended_at=max(ended))
    return after
