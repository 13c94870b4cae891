"""Carts: reported, bought after all, or recovered by a link, on request or automatically.

Locks: a link first, then its cart. The exception is a link being created for its cart: no other
transaction sees it yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from libs import context, idempotency, ids
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.due import DueRow
from libs.errors import ServiceUnavailable, required
from libs.idempotency import Key
from libs.logs import log
from services.paylink import events
from services.paylink.deps import Deps
from services.paylink.errors import CartClosed, CartNotFound, PaymentLinkNotFound, QuotaExceeded
from services.paylink.flows import cancel, create
from services.paylink.rules import carts as rules
from services.paylink.rules import drafting
from services.paylink.rules.carts import Cart, CartContents, CartEvent, CartState
from services.paylink.rules.domain import (
    Channel,
    LineItem,
    Link,
    Merchant,
    NewLink,
    Origin,
    Reason,
    Recipient,
)
from services.paylink.store import carts as store
from services.paylink.store.carts import CARTS
from services.paylink.store.links import LINKS


@dataclass(frozen=True, slots=True)
class CreateCart:
    """None for what the caller left out."""

    reference: str
    recipient: Recipient
    line_items: Sequence[LineItem]
    currency: str | None
    locale: str | None
    recover_after_minutes: int | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RecoverCart:
    """No channels: all channels for which the recipient has an address."""

    cart_id: str
    channels: Sequence[Channel] = ()
    expires_in_days: int | None = None


async def create_cart(deps: Deps, cmd: CreateCart, key: Key | None) -> bytes:
    """Returns the Cart message, the same for the same key. A known reference updates its cart."""
    contents = await _contents(deps, cmd)

    async def create(tx: Conn, cart_id: str) -> Message:
        cart = Cart(
            id=cart_id,
            merchant_id=context.merchant_id(),
            state=rules.CART_INITIAL,
            reference=cmd.reference,
            contents=contents,
            payment_link_id=None,
            created_at=deps.clock.now(),
        )
        if not await store.insert(tx, cart):
            cart = await _refill(tx, cart)
            await idempotency.reassign(tx, key, cart.id)
        return events.cart_pb(cart)

    return (await idempotency.once(deps.db, key, ids.new("crt"), create)).body


async def _contents(deps: Deps, cmd: CreateCart) -> CartContents:
    currency, locale = cmd.currency, cmd.locale
    if currency is None or locale is None:
        merchant = await deps.merchants.get_current()
        currency, locale = currency or merchant.default_currency, locale or merchant.locale
    return copy_as(
        CartContents,
        cmd,
        recipient=rules.reachable(cmd.recipient),
        amount=drafting.price(cmd.line_items, currency),
        locale=locale,
        recover_at=rules.recover_at(deps.clock.now(), cmd.recover_after_minutes),
    )


async def _refill(tx: Conn, reported: Cart) -> Cart:
    """Updates the cart that already has this reference."""
    known = required(
        await store.lock_reference(tx, reported.merchant_id, reported.reference), CartNotFound
    )
    cart = rules.refilled(known, reported.contents)
    await store.refill(tx, cart)
    return cart


async def complete_cart(deps: Deps, cart_id: str) -> Cart:
    """The cart was bought in the shop. Cancels the recovery link unless it is being paid."""
    for _ in range(2):
        seen = await deps.db.run(CARTS.get, context.merchant_id(), cart_id)
        completed = await _complete(deps, required(seen, CartNotFound))
        if completed is not None:
            return completed
    raise ServiceUnavailable  # cannot happen: a cart gets its link only once


async def _complete(deps: Deps, seen: Cart) -> Cart | None:
    """None if the cart has got its link since it was read."""
    async with deps.db.transaction() as tx:
        link_id = seen.payment_link_id
        link = await LINKS.lock(tx, seen.merchant_id, link_id) if link_id else None
        cart = required(await CARTS.lock(tx, seen.merchant_id, seen.id), CartNotFound)
        if cart.payment_link_id != link_id:
            return None
        completed = await _move(tx, cart, CartEvent.COMPLETE)
        if link is not None:
            await cancel.cancel_in(tx, link, deps.clock.now())
    return completed


async def _move(tx: Conn, cart: Cart, event: CartEvent) -> Cart:
    """Moves a cart locked in this transaction. Raises CartClosed."""
    rules.moved(cart, event)
    return required(await store.move(tx, cart, event), CartClosed)


async def recover_cart(deps: Deps, cmd: RecoverCart, key: Key) -> bytes:
    """Returns the link's message without the address, the same for the same key.

    A cart has one link: another key also gets it while the cart is being recovered.
    """
    merchant = await deps.merchants.get_current()

    async def recover(tx: Conn, _: str) -> Message:
        cart = required(await CARTS.lock(tx, context.merchant_id(), cmd.cart_id), CartNotFound)
        if cart.state is CartState.RECOVERING:
            return events.link_pb(await _present_link(tx, cart))
        return events.link_pb(await _send_link(deps, tx, merchant, cart, cmd))

    return (await idempotency.once(deps.db, key, cmd.cart_id, recover)).body


async def _present_link(tx: Conn, cart: Cart) -> Link:
    link_id = cart.payment_link_id or ""
    return required(await LINKS.get(tx, cart.merchant_id, link_id), PaymentLinkNotFound)


async def _send_link(
    deps: Deps, tx: Conn, merchant: Merchant, cart: Cart, cmd: RecoverCart
) -> Link:
    """The cart is locked in this transaction. Raises CartClosed, QuotaExceeded."""
    link_id = ids.new("lnk")
    started = rules.recovering(cart, link_id)
    contents = cart.contents
    new = NewLink(
        merchant=merchant,
        description=rules.described(contents.line_items),
        order_reference=cart.reference,
        amount=contents.amount,
        line_items=contents.line_items,
        recipient=rules.reachable(contents.recipient),  # it may have been erased
        channels=tuple(cmd.channels) or rules.default_channels(contents.recipient),
        expires_in_days=cmd.expires_in_days or rules.RECOVERY_DAYS,
        locale=contents.locale,
        metadata=contents.metadata,
        origin=Origin.CART,
        cart_id=cart.id,
        reason=Reason.CART,
    )
    link, _ = await create.insert_link(deps, tx, new, count_quota=True, link_id=link_id)
    recovering = required(await store.move(tx, started, CartEvent.RECOVER), CartClosed)
    await events.append_cart_event(tx, recovering, "recovery_sent", deps.clock.now())
    return link


async def recover_due(deps: Deps, due: DueRow) -> None:
    """Recovers a cart that was due when it was claimed; it may have been updated since."""
    merchant = await deps.merchants.get_current()
    async with deps.db.transaction() as tx:
        cart = await CARTS.lock(tx, due.merchant_id, due.id)
        now = deps.clock.now()
        if cart is None or not rules.is_due(cart, now):
            return
        if rules.is_too_late(cart, now):
            await store.give_up(tx, cart.merchant_id, cart.id)
            return
        try:
            await _send_link(deps, tx, merchant, cart, RecoverCart(due.id))
        except QuotaExceeded:
            log.info("cart is not recovered: the plan's links are used up")


async def link_ended(conn: Conn, link: Link) -> None:
    """A link was paid, expired or cancelled: in the transaction that records it, where the link is
    locked.
    """
    event = rules.event_of(link.state)
    if link.cart_id is None or event is None:
        return
    cart = await CARTS.lock(conn, link.merchant_id, link.cart_id)
    if cart is None or cart.payment_link_id != link.id:
        return
    moved = await store.move(conn, cart, event)
    if moved is not None and event is CartEvent.PAY:
        await events.append_cart_event(conn, moved, "recovered", link.ended_at or link.expires_at)
