"""Orders: create, change, cancel, dispatch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from google.protobuf.message import Message

from libs import context, idempotency, ids, outbox, telemetry
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.due import DueRow
from libs.errors import required
from libs.idempotency import Key
from libs.money import Money
from services.cod import order_events as events
from services.cod.deps import Deps
from services.cod.errors import CourierArchived, CourierNotFound, OrderExists, OrderNotFound
from services.cod.flows import confirming, order_links, refusing
from services.cod.flows.offers import ZONE
from services.cod.flows.settings import default_settings
from services.cod.order_events import Reason
from services.cod.rules import bills, deposits, expiring, orders
from services.cod.rules.bills import Bill, Line
from services.cod.rules.couriers import CollectionMode, Courier, CourierState
from services.cod.rules.offers import Cart
from services.cod.rules.orders import Address, Order, OrderChange, Recipient
from services.cod.rules.recipients import subjects
from services.cod.rules.settings import Settings
from services.cod.rules.states import OrderState
from services.cod.store import couriers as couriers_store
from services.cod.store import orders as store
from services.cod.store.addresses import ADDRESSES
from services.cod.store.couriers import COURIERS
from services.cod.store.settings import SETTINGS

CHANGE_ID: Final = "coc"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrder:
    """As described by the shop; None if not given."""

    order_reference: str
    amount: Money
    lines: tuple[Line, ...]
    categories: tuple[str, ...]
    recipient: Recipient
    address: Address
    courier_id: str | None
    mode: CollectionMode | None
    deposit_minor: int | None
    customer_id: str | None
    locale: str | None
    failed_methods: tuple[str, ...]
    metadata: Mapping[str, str]


async def create_order(deps: Deps, cmd: CreateOrder, key: Key) -> bytes:
    """Returns the CodOrder message, the same for the same key."""
    merchant = await deps.merchants.get()

    async def create(tx: Conn, order_id: str) -> Message:
        merchant_id, now = context.merchant_id(), deps.clock.now()
        bills.check_lines(cmd.lines, cmd.amount.amount_minor)
        default = Settings(currency=merchant.default_currency)
        settings = await SETTINGS.get(tx, merchant_id, default)
        await _check_new(tx, cmd.order_reference)
        known = subjects(cmd.recipient, cmd.customer_id)
        cart = Cart(
            price=cmd.amount,
            country=cmd.address.country,
            postcode=cmd.address.postcode,
            on=now.astimezone(ZONE).date(),
            categories=cmd.categories,
            failed_methods=cmd.failed_methods,
            refusals=await refusing.count(deps, tx, known, settings, now),
        )
        couriers = await _couriers(tx, cmd.courier_id)
        bill = bills.billed(
            couriers, cart, settings, mode=cmd.mode, deposit_minor=cmd.deposit_minor
        )
        order = copy_as(
            Order,
            bill,
            merchant_id=merchant_id,
            id=order_id,
            order_reference=cmd.order_reference,
            recipient=cmd.recipient,
            address=cmd.address,
            customer_id=cmd.customer_id,
            locale=cmd.locale or merchant.locale,
            lines=cmd.lines,
            categories=cmd.categories,
            failed_methods=cmd.failed_methods,
            deposit_asked_minor=cmd.deposit_minor,
            needs_confirmation=settings.confirmation_needed,
            metadata=cmd.metadata,
            trace_id=telemetry.trace_id(),
            created_at=now,
        )
        order = expiring.expiring(order, settings.expires_after_days, now)
        return events.order_pb(await _proposed(deps, tx, order, now))

    return (await idempotency.once(deps.db, key, ids.new("cod"), create)).body


async def _check_new(tx: Conn, order_reference: str) -> None:
    other = await store.live(tx, context.merchant_id(), order_reference)
    if other is not None:
        raise OrderExists(facts={"cod_order_id": other.id, "state": other.state.value})


async def _couriers(tx: Conn, courier_id: str | None) -> list[Courier]:
    """The requested courier, or all available ones. Raises CourierNotFound, CourierArchived."""
    merchant_id = context.merchant_id()
    if courier_id is None:
        return list(await couriers_store.active(tx, merchant_id))
    courier = required(await COURIERS.get(tx, merchant_id, courier_id), CourierNotFound)
    if courier.state is CourierState.ARCHIVED:
        raise CourierArchived
    return [courier]


async def _proposed(deps: Deps, tx: Conn, order: Order, now: datetime) -> Order:
    """Saves and publishes the order; sends its recipient a code, or confirms it at once."""
    if order.needs_confirmation:
        orders.check_reachable(order.recipient)
    await store.insert(tx, order)
    await ADDRESSES.issue(tx, order, deps.seal, now)
    await outbox.append(tx, events.proposed(order, now))
    if order.needs_confirmation:
        await confirming.send_first(deps, tx, order, now)
        await order_links.follow(tx, [order], now)
        return order
    after = orders.confirmed(order, now)
    await saved(tx, order, after, now)
    return after


async def change_order(
    deps: Deps, cod_order_id: str, change: OrderChange, key: Key | None
) -> bytes:
    """Returns the CodOrder message, the same for the same key."""
    default = await default_settings(deps)

    async def effect(tx: Conn, _: str) -> Message:
        before, now = await locked(tx, cod_order_id), deps.clock.now()
        orders.check_changeable(before)
        settings = await SETTINGS.get(tx, before.merchant_id, default)
        after = orders.changed(before, await _bill(tx, before, change, settings, now), change)
        if after != before:
            after = expiring.expiring(after, settings.expires_after_days, now)
            await _save_change(deps, tx, before, after, now)
        return events.order_pb(after)

    return (await idempotency.once(deps.db, key, cod_order_id, effect)).body


async def _bill(
    tx: Conn, before: Order, change: OrderChange, settings: Settings, now: datetime
) -> Bill:
    """The price by the current rules. A recipient's refusals do not affect an existing order."""
    same_courier = change.courier_id in {None, before.courier_id}
    if same_courier:
        courier = required(
            await COURIERS.get(tx, before.merchant_id, before.courier_id), CourierNotFound
        )
        couriers = [courier]
    else:
        couriers = await _couriers(tx, change.courier_id)
    amount_minor = orders.amount_of(change, before)
    bills.check_lines(change.lines, amount_minor)
    total_minor = bills.total_minor(settings, amount_minor)
    address = change.address or before.address
    cart = Cart(
        price=Money(amount_minor, before.amount.currency),
        country=address.country,
        postcode=address.postcode,
        on=now.astimezone(ZONE).date(),
        categories=before.categories,
        failed_methods=before.failed_methods,
    )
    mode = change.mode or before.mode
    deposit = deposits.asked_after_change(before, total_minor)
    return bills.billed(couriers, cart, settings, mode=mode, deposit_minor=deposit)


async def _save_change(deps: Deps, tx: Conn, before: Order, after: Order, now: datetime) -> None:
    by, change_id = context.current().actor, ids.new(CHANGE_ID)
    await store.CHANGES.add(tx, orders.before(before, change_id=change_id, by=by, now=now))
    if after.courier_id != before.courier_id:
        await store.remove_parcels(tx, before.merchant_id, [before.id])
    await store.save(tx, after)
    await outbox.append(tx, events.changed(before, after, now))
    await order_links.follow(tx, [after], now)
    if after.state is OrderState.PROPOSED:  # the last code is for another amount
        await confirming.send_first(deps, tx, after, now)
    else:
        await outbox.append(tx, *events.message(after, Reason.CHANGED, now))
        await outbox.append(tx, *events.deposit_notifications(before, after, now))


async def cancel_order(deps: Deps, cod_order_id: str) -> Order:
    async with deps.db.transaction() as tx:
        before, now = await locked(tx, cod_order_id), deps.clock.now()
        after = orders.cancelled(before, now)
        await saved(tx, before, after, now)
    return after


async def expire(deps: Deps, due: DueRow) -> None:
    """Cancels an order that its recipient has not confirmed, or whose deposit was not paid, in
    time.
    """
    async with deps.db.transaction() as tx:
        before, now = await locked(tx, due.id), deps.clock.now()
        after = expiring.expired(before, now)
        await saved(tx, before, after, now)
        if after != before:
            await outbox.append(tx, *events.message(after, Reason.EXPIRED, now, after.amount))


async def locked(tx: Conn, cod_order_id: str) -> Order:
    """Locked until the end of the transaction. Raises OrderNotFound."""
    return required(await store.lock(tx, context.merchant_id(), cod_order_id), OrderNotFound)


async def saved(tx: Conn, before: Order, after: Order, now: datetime) -> None:
    """Saves the order, with the events for the change."""
    if after != before:
        await store.save(tx, after)
        await outbox.append(tx, *events.for_change(before, after, now))
        await outbox.append(tx, *events.deposit_notifications(before, after, now))
        await order_links.follow(tx, [after], now)
