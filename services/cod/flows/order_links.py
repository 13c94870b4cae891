"""Payment links of orders: requested and released in the transaction that changes an order, created
and closed outside of it.

The call that requests a link also creates it; the worker creates links whose call had no answer,
and closes those that must no longer be paid. Until then they may be paid: see follow_paid in
converting.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from libs.db import Conn
from libs.errors import InternalError, RemoteRefusal, ServiceUnavailable, required
from libs.logs import log
from libs.payments.certain import is_certain
from libs.payments.due import DueRow
from libs.payments.links import LinkEvent, LinkState, moved
from services.cod.deps import Deps
from services.cod.flows import online_refunds
from services.cod.rules import deposits, order_links
from services.cod.rules import paying_online as rules
from services.cod.rules.order_links import Asked, OrderLink, Purpose
from services.cod.rules.orders import Order
from services.cod.store import links as store
from services.cod.store import orders as orders_store
from services.cod.store.links import ORDER_LINKS
from services.cod.store.orders import ORDERS


async def follow(tx: Conn, changed: Sequence[Order], now: datetime) -> None:
    """Releases links for outdated amounts, requests a missing link for the deposit, and records
    refunds of online payments that are not needed. The changed orders are locked and saved in this
    transaction.
    """
    linked = {order.id: order for order in changed if order.links or order.owes_deposit}
    if not linked:
        return
    merchant_id = next(iter(linked.values())).merchant_id
    found = await store.open_of(tx, merchant_id, list(linked))
    for order in linked.values():
        links = [link for link in found if link.order_id == order.id]
        outdated = rules.outdated(order, links)
        await release(tx, outdated)
        if rules.lacks_deposit(order, [link for link in links if link not in outdated]):
            await request(tx, order, deposits.asked(order), now)
    await online_refunds.owe(tx, list(linked.values()), now)


async def request(tx: Conn, order: Order, asked: Asked, now: datetime) -> Order:
    """Adds the intent; returns the order with it, saved."""
    after, link = order_links.requested(order, asked, now)
    await store.insert(tx, link)
    await orders_store.save(tx, after)
    return after


async def release(tx: Conn, links: Sequence[OrderLink]) -> None:
    for link in links:  # rarely more than one
        await store.save(tx, order_links.released(link))


async def settle_due(deps: Deps, due: DueRow) -> None:
    """Creates or closes a link. If paylink does not answer, it is called again later."""
    link = await deps.db.run(ORDER_LINKS.get, due.merchant_id, due.id)
    try:
        if link is not None and link.state is LinkState.WANTED:
            await make(deps, link)
        elif link is not None and link.state is LinkState.CLOSING:
            await _close(deps, link)
    except (RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("a link of an order is not settled yet", reason=refusal.reason)


async def make(deps: Deps, link: OrderLink) -> OrderLink:
    """The same key creates the same link. A refusal ends it. Raises RemoteRefusal,
    ServiceUnavailable.
    """
    order = required(await deps.db.run(ORDERS.get, link.merchant_id, link.order_id), InternalError)
    try:
        made = replace(link, payment_link_id=await deps.links.make(order, link))
        if link.purpose is Purpose.DEPOSIT:  # shown to readers of the order
            made = replace(made, sealed_url=await _sealed_url(deps, made))
    except RemoteRefusal as refusal:
        if is_certain(refusal):
            await end(deps, link, LinkEvent.CLOSE)
        raise
    return await end(deps, made, LinkEvent.MAKE)


async def _sealed_url(deps: Deps, link: OrderLink) -> str:
    code = await deps.links.qr_code(required(link.payment_link_id, InternalError))
    return deps.seal.close(code.url)


async def _close(deps: Deps, link: OrderLink) -> None:
    """A link requested without an answer is created first, so that it can be closed. Raises
    RemoteRefusal while it is being paid.
    """
    made = link if link.payment_link_id else await make(deps, link)
    if made.payment_link_id is not None:
        order = await deps.db.run(ORDERS.get, link.merchant_id, link.order_id)
        is_paid = rules.is_paid_otherwise(required(order, InternalError), link)
        await deps.links.close(made.payment_link_id, paid_otherwise=is_paid)
    await end(deps, made, LinkEvent.CLOSE)


async def end(deps: Deps, link: OrderLink, event: LinkEvent) -> OrderLink:
    """The link after the event. If that comes too late to change its state, only missing details
    are recorded.
    """
    async with deps.db.transaction() as tx:
        return await record(tx, link, event, deps.clock.now())


async def record(tx: Conn, link: OrderLink, event: LinkEvent, now: datetime) -> OrderLink:
    """`link`: as the caller knows it. If it has now ended, the order may need a new one for its
    deposit, unless paylink refused to create it.
    """
    order = required(await orders_store.lock(tx, link.merchant_id, link.order_id), InternalError)
    current = required(await ORDER_LINKS.lock(tx, link.merchant_id, link.id), InternalError)
    state = moved(current, event) or current.state
    after = replace(
        current,
        state=state,
        payment_link_id=current.payment_link_id or link.payment_link_id,
        sealed_url=current.sealed_url or link.sealed_url,
    )
    if after != current:
        await store.save(tx, after)
    refused = after.purpose is Purpose.DEPOSIT and after.payment_link_id is None
    if after.state is LinkState.CLOSED and after.state is not current.state and not refused:
        await follow(tx, [order], now)
    return after
