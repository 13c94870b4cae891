"""Deposits, which are paid online before dispatch: creates and finds their links."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from libs import context, deadlines
from libs.db import Conn
from libs.errors import RemoteRefusal, ServiceUnavailable
from libs.payments.links import LinkState
from libs.seal import SealBrokenError
from services.cod.deps import Deps
from services.cod.flows import order_links
from services.cod.flows.orders import locked
from services.cod.rules import deposits as rules
from services.cod.rules.order_links import OrderLink, Purpose
from services.cod.store import links as store


async def pay_deposit(deps: Deps, cod_order_id: str) -> str | None:
    """For a shopper: the URL of the link that pays the deposit, the same while it is open. A link
    for the whole order is closed, since the shopper chose the deposit. None if the deposit has been
    paid meanwhile, or its link closed.

    Raises OrderNotFound, DepositNotDue, and ServiceUnavailable while paylink does not answer: the
    link is created later.
    """
    async with deps.db.transaction() as tx:
        link = await _wanted(deps, tx, cod_order_id)
    if link.state is LinkState.WANTED:
        link = await order_links.make(deps, link)
    return _url(deps, link)


async def _wanted(deps: Deps, tx: Conn, cod_order_id: str) -> OrderLink:
    order, now = await locked(tx, cod_order_id), deps.clock.now()
    rules.check_due(order)
    found = await store.open_of(tx, order.merchant_id, [order.id])
    await order_links.release(tx, [link for link in found if link.purpose is not Purpose.DEPOSIT])
    await order_links.follow(tx, [order], now)
    (link,) = await store.open_of(tx, order.merchant_id, [order.id])
    return link


async def make_links(deps: Deps, cod_order_ids: Sequence[str]) -> None:
    """Creates the links just requested, for callers who wait for their URLs; the worker creates
    those for which paylink does not answer in time.
    """
    found = await deps.db.run(store.open_of, context.merchant_id(), cod_order_ids)
    for link in found:
        if link.purpose is Purpose.DEPOSIT and link.state is LinkState.WANTED:
            with suppress(RemoteRefusal, ServiceUnavailable, TimeoutError):
                async with asyncio.timeout(deadlines.BRIEF):
                    await order_links.make(deps, link)


async def urls_of(deps: Deps, cod_order_ids: Sequence[str]) -> Mapping[str, str]:
    """URLs by order, without orders whose deposit cannot be paid now."""
    links = await deps.db.run(store.open_deposits, context.merchant_id(), cod_order_ids)
    urls = {link.order_id: _url(deps, link) for link in links}
    return {order_id: url for order_id, url in urls.items() if url is not None}


def _url(deps: Deps, link: OrderLink) -> str | None:
    """None if there is none, or if the key that sealed it is lost."""
    if link.sealed_url is not None:
        with suppress(SealBrokenError):
            return deps.seal.open(link.sealed_url)
    return None
