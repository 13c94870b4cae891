"""Payment links of orders: wanted and left in the transaction that changes an order, made and closed outside of it.

Who asks for a link makes it; the worker makes what was left without an answer, and closes what nothing is to be
paid by any more. Until then it may be paid: see converting.py.
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
from services.cod.paylink_client import PAYING
from services.cod.rules import converting as rules
from services.cod.rules.converting import OrderLink
from services.cod.rules.orders import Order
from services.cod.store import links as store
from services.cod.store import orders as orders_store
from services.cod.store.links import ORDER_LINKS
from services.cod.store.orders import ORDERS


async def follow(tx: Conn, changed: Sequence[Order], now: datetime) -> None:
    """Orders as they are by now, locked in this transaction: links that ask for what is not to be paid online any
    more are left, and what was paid online for nothing is owed back.
    """
    linked = {order.id: order for order in changed if order.links}
    if not linked:
        return
    merchant_id = next(iter(linked.values())).merchant_id
    found = await store.open_of(tx, merchant_id, list(linked))
    for order in linked.values():
        links = [link for link in found if link.order_id == order.id]
        for link in rules.outdated(order, links):
            await store.save(tx, rules.left(link))
    await online_refunds.owe(tx, list(linked.values()), now)


async def attend(deps: Deps, due: DueRow) -> None:
    """A link that is to be made or closed. What paylink does not answer is asked again later."""
    link = await deps.db.run(ORDER_LINKS.get, due.merchant_id, due.id)
    try:
        if link is not None and link.state is LinkState.WANTED:
            await make(deps, link)
        elif link is not None and link.state is LinkState.CLOSING:
            await _close(deps, link)
    except (RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("a link of an order is not settled yet", reason=refusal.reason)


async def make(deps: Deps, link: OrderLink) -> OrderLink:
    """The same key makes the same link. A certain no ends it. Raises RemoteRefusal, ServiceUnavailable."""
    order = required(await deps.db.run(ORDERS.get, link.merchant_id, link.order_id), InternalError)
    try:
        payment_link_id = await deps.links.make(order, link)
    except RemoteRefusal as refusal:
        if is_certain(refusal):
            await end(deps, link, LinkEvent.CLOSE, None)
        raise
    return await end(deps, link, LinkEvent.MAKE, payment_link_id)


async def _close(deps: Deps, link: OrderLink) -> None:
    """One that was asked for without an answer is made first, so that it can be closed. Raises RemoteRefusal while
    it is being paid.
    """
    made = link if link.payment_link_id else await make(deps, link)
    if made.payment_link_id is not None:
        order = await deps.db.run(ORDERS.get, link.merchant_id, link.order_id)
        is_paid = rules.is_paid(required(order, InternalError))
        try:
            await deps.links.close(made.payment_link_id, paid_otherwise=is_paid)
        except RemoteRefusal as refusal:  # else it is paid or expired, and an event tells the first
            if refusal.reason == PAYING or not is_certain(refusal):
                raise
    await end(deps, link, LinkEvent.CLOSE, made.payment_link_id)


async def end(
    deps: Deps, link: OrderLink, event: LinkEvent, payment_link_id: str | None
) -> OrderLink:
    """As it is after the event, which may come too late to change more than what is known of it."""
    async with deps.db.transaction() as tx:
        return await record(tx, link, event, payment_link_id)


async def record(
    tx: Conn, link: OrderLink, event: LinkEvent, payment_link_id: str | None
) -> OrderLink:
    await orders_store.lock(tx, link.merchant_id, link.order_id)
    current = required(await ORDER_LINKS.lock(tx, link.merchant_id, link.id), InternalError)
    state = moved(current, event) or current.state
    known = current.payment_link_id or payment_link_id
    after = replace(current, state=state, payment_link_id=known)
    if after != current:
        await store.save(tx, after)
    return after
