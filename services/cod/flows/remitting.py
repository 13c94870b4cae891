"""Remittances: a courier's file is read and compared, and later booked in one step."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from libs import context, ids, outbox, threads
from libs.db import Conn
from libs.errors import required
from services.cod import order_events, remittance_events
from services.cod.deps import Deps
from services.cod.errors import (
    CourierNotFound,
    RemittanceColumnsMissing,
    RemittanceNotFound,
    RemittanceUnreadable,
)
from services.cod.flows import files
from services.cod.rules import courier_events as event_rules
from services.cod.rules import matching, remittance_files
from services.cod.rules import remittances as rules
from services.cod.rules.courier_events import CourierEvent
from services.cod.rules.couriers import Courier
from services.cod.rules.matching import Claim, spellings
from services.cod.rules.orders import Order
from services.cod.rules.remittance_files import RemittanceLine
from services.cod.rules.remittances import Line, Remittance, RemittanceState
from services.cod.rules.states import ORDER_TRANSITIONS, OrderEvent, ParcelEvent, ParcelState
from services.cod.store import courier_events
from services.cod.store import orders as orders_store
from services.cod.store import remittances as store
from services.cod.store.couriers import COURIERS
from services.cod.store.remittances import REMITTANCES


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """`file` is base64."""

    courier_id: str
    file: str
    name: str | None
    tolerance_minor: int | None


async def upload_remittance(deps: Deps, cmd: UploadedFile) -> Remittance:
    """The same file is the same remittance."""
    merchant_id = context.merchant_id()
    data = await files.bytes_of(cmd.file, RemittanceUnreadable)
    courier = required(
        await deps.db.run(COURIERS.get, merchant_id, cmd.courier_id), CourierNotFound
    )
    if courier.remittance_columns is None:
        raise RemittanceColumnsMissing
    digest = hashlib.sha256(data).hexdigest()
    known = await deps.db.run(store.of_file, merchant_id, courier.id, digest)
    if known is not None:
        return known
    read = await threads.run(
        remittance_files.read, data, courier.remittance_columns, courier.currency
    )
    lines = files.lines_of(read, RemittanceUnreadable)
    remittance = Remittance(
        merchant_id=merchant_id,
        id=ids.new("rem"),
        courier_id=courier.id,
        name=cmd.name,
        digest=digest,
        currency=courier.currency,
        tolerance_minor=cmd.tolerance_minor or 0,
        lines=len(lines),
        remitted_minor=sum(line.remitted_minor for line in lines),
        results={},
        exceptions=0,
        created_at=deps.clock.now(),
    )
    return await _preview(deps, courier, remittance, [_stored(remittance, line) for line in lines])


def _stored(remittance: Remittance, line: RemittanceLine) -> Line:
    return Line(
        merchant_id=remittance.merchant_id,
        id=ids.new("rml"),
        remittance_id=remittance.id,
        courier_id=remittance.courier_id,
        line=line.line,
        tracking_number=line.tracking_number,
        sender_reference=line.sender_reference,
        collected_minor=line.collected_minor,
        cut_minor=line.cut_minor,
        remitted_minor=line.remitted_minor,
        paid_on=line.on,
        meaning=line.meaning,
    )


async def _preview(
    deps: Deps, courier: Courier, remittance: Remittance, lines: Sequence[Line]
) -> Remittance:
    async with deps.db.transaction() as tx:
        await COURIERS.lock(tx, remittance.merchant_id, courier.id)  # one file after another
        known = await store.of_file(tx, remittance.merchant_id, courier.id, remittance.digest)
        if known is not None:
            return known
        compared = await _compared(tx, courier, remittance, lines, commit=False)
        after = rules.counted(remittance, compared.lines)
        await store.insert(tx, after, compared.lines)
    return after


async def commit_remittance(deps: Deps, remittance_id: str) -> Remittance:
    """All that fits, or nothing when the process dies. Committing again changes nothing."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    async with deps.db.transaction() as tx:
        found = required(await REMITTANCES.get(tx, merchant_id, remittance_id), RemittanceNotFound)
        courier = await COURIERS.lock(tx, merchant_id, found.courier_id)
        before = await REMITTANCES.lock(tx, merchant_id, remittance_id)
        assert courier is not None  # its remittances hold it
        assert before is not None
        if before.state is RemittanceState.COMMITTED:
            return before
        lines = await store.lines_of(tx, merchant_id, remittance_id)
        compared = await _compared(tx, courier, before, lines, commit=True)
        after = rules.committed(before, compared.lines, now)
        await store.save(tx, after, compared.lines)
        await _book(tx, courier, compared, after, now)
    return after


@dataclass(frozen=True, slots=True)
class _Compared:
    """Lines with what becomes of them, and the orders that they may pay for, locked."""

    lines: Sequence[Line]
    orders: Mapping[str, Order]
    claims: Mapping[str, Sequence[Claim]]


async def _compared(
    tx: Conn, courier: Courier, remittance: Remittance, lines: Sequence[Line], *, commit: bool
) -> _Compared:
    numbers = {each for line in lines for each in spellings(line.tracking_number)}
    references = {each for line in lines for each in spellings(line.sender_reference)}
    merchant_id = remittance.merchant_id
    orders = await store.lock_orders(
        tx, merchant_id, courier.id, sorted(numbers), sorted(references)
    )
    parcels = [parcel.tracking_number for order in orders for parcel in order.parcels]
    booked = await store.booked(tx, merchant_id, courier.id, parcels)
    claims = {order.id: rules.claims_of(order, courier, booked) for order in orders}
    matches = await threads.run(
        matching.match,
        [line.read() for line in lines],
        [claim for of_order in claims.values() for claim in of_order],
        tolerance_minor=remittance.tolerance_minor,
    )
    judged = [
        rules.judged(line, found, commit=commit) for line, found in zip(lines, matches, strict=True)
    ]
    return _Compared(judged, {order.id: order for order in orders}, claims)


async def _book(
    tx: Conn, courier: Courier, compared: _Compared, remittance: Remittance, now: datetime
) -> None:
    """Who passes money on has collected it, whether or not it has told."""
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in compared.lines:
        if line.booked and line.cod_order_id is not None:
            lines[line.cod_order_id].append(line)
    paid = [compared.orders[order_id] for order_id in lines]
    events = [event for order in paid for event in _collections(order, lines[order.id], now)]
    steps, told = event_rules.follow(paid, events, courier)
    collected = {order.id: order for order in paid} | {
        order.id: order for order in event_rules.latest(steps)
    }
    news = [new for step in steps for new in order_events.news(step.before, step.after, now)]
    moved = []
    for order_id, of_order in lines.items():
        event = rules.settled_by(
            compared.claims[order_id], of_order, tolerance_minor=remittance.tolerance_minor
        )
        order = _moved(collected[order_id], event, now)
        moved.append(order)
        news.append(remittance_events.remitted(order, event, of_order, now))
    await courier_events.save(tx, told)
    await orders_store.save_moved(tx, moved)
    await outbox.tell(tx, *news)


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


def _moved(order: Order, event: OrderEvent | None, now: datetime) -> Order:
    """Where the order's state has no such way, it stays."""
    if event is None:
        return order
    state = ORDER_TRANSITIONS.get((order.state, event))
    return order if state is None else rules.after(order, event, state, now)
