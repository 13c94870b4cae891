"""Orders paid online instead of at the door: by a link that the merchant or the shopper requests,
and whose payment paylink reports.
"""

from dataclasses import dataclass, replace

from libs import context, idempotency, outbox
from libs.db import Conn
from libs.errors import InternalError, required
from libs.idempotency import Key
from libs.payments.links import OPEN, LinkEvent, LinkState, moved
from services.cod import order_events as events
from services.cod.deps import Deps
from services.cod.flows import dispatching, order_links
from services.cod.flows.orders import locked
from services.cod.paylink_client import QrCode
from services.cod.rules import converting as rules
from services.cod.rules import order_links as link_rules
from services.cod.rules import paying_online
from services.cod.rules.order_links import OrderLink, PaidLink, Purpose
from services.cod.rules.orders import Order
from services.cod.store import links as store
from services.cod.store import orders as orders_store
from services.cod.store.links import ORDER_LINKS
from services.cod.store.orders import ORDERS


@dataclass(frozen=True, slots=True)
class Conversion:
    """`code`: the URL of the link, while it can be paid."""

    order: Order
    link: OrderLink
    code: QrCode | None


async def convert_order(deps: Deps, cod_order_id: str, key: Key) -> Conversion:
    """The order's link; for a repeated key, in its current state. Raises as `pay_online`."""

    async def begin(tx: Conn, _: str) -> None:
        await _begin(deps, tx, cod_order_id)

    await idempotency.once(deps.db, key, cod_order_id, begin)
    return await _shown(deps, cod_order_id)


async def pay_online(deps: Deps, cod_order_id: str) -> Conversion:
    """For a shopper: repeated requests get the same link while it is open.

    Raises OrderNotFound, OrderClosed, NothingToPayOnline, and ServiceUnavailable while paylink does
    not answer: the link is created later, and the next request finds it.
    """
    async with deps.db.transaction() as tx:
        await _begin(deps, tx, cod_order_id)
    return await _shown(deps, cod_order_id)


async def _begin(deps: Deps, tx: Conn, cod_order_id: str) -> None:
    """Writes the intent, unless there is one. It also covers an unpaid deposit."""
    before, now = await locked(tx, cod_order_id), deps.clock.now()
    rules.check_convertible(before)
    last = await store.last(tx, before.merchant_id, before.id, Purpose.CONVERSION)
    if last is None or last.state not in OPEN:
        after = await order_links.request(tx, before, rules.asked(before), now)
        await order_links.follow(tx, [after], now)


async def _shown(deps: Deps, cod_order_id: str) -> Conversion:
    merchant_id = context.merchant_id()
    last = await deps.db.run(store.last, merchant_id, cod_order_id, Purpose.CONVERSION)
    link = required(last, InternalError)
    if link.state is LinkState.WANTED:
        link = await order_links.make(deps, link)
    code = None
    if link.state is LinkState.OPEN and link.payment_link_id is not None:
        code = await deps.links.qr_code(link.payment_link_id)
    order = required(await deps.db.run(ORDERS.get, merchant_id, cod_order_id), InternalError)
    return Conversion(order, link, code)


async def follow_paid(deps: Deps, conn: Conn, paid_link: PaidLink) -> None:
    """Records an event of paylink in the inbox's transaction, in any order and any number of times. The payment
    replaces the cash, or pays the deposit; money that the order does not need is refunded.
    """
    merchant_id, now = context.merchant_id(), deps.clock.now()
    link_id = link_rules.id_of(paid_link.cod_order_id, paid_link.number)
    before = required(
        await orders_store.lock(conn, merchant_id, paid_link.cod_order_id), InternalError
    )
    link = required(await ORDER_LINKS.lock(conn, merchant_id, link_id), InternalError)
    state = moved(link, LinkEvent.PAY)
    if state is None:
        return
    paid = replace(
        link,
        state=state,
        payment_link_id=paid_link.payment_link_id,
        payment_id=paid_link.payment_id,
        paid_minor=paid_link.amount_minor,
    )
    await store.save(conn, paid)
    after = paying_online.paid(before, paid, now)
    await orders_store.save(conn, after)
    await outbox.append(conn, *events.paid_online(before, after, paid, now))
    await order_links.follow(conn, [after], now)
    await dispatching.apply_waiting(deps, conn, after, now)


async def follow_ended(
    deps: Deps, conn: Conn, cod_order_id: str, number: int, payment_link_id: str
) -> None:
    """The link expired or was cancelled at paylink: the order is to be paid at the door again, with
    a new link for its deposit.
    """
    link_id = link_rules.id_of(cod_order_id, number)
    found = required(await ORDER_LINKS.get(conn, context.merchant_id(), link_id), InternalError)
    link = replace(found, payment_link_id=payment_link_id)
    await order_links.record(conn, link, LinkEvent.CLOSE, deps.clock.now())
