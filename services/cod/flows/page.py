"""An order's page: finds the order by its token, returns its data, and handles its forms."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs import context
from libs.errors import required
from libs.idempotency import Key
from services.cod.deps import Deps
from services.cod.errors import DepositNotDue, OrderNotFound
from services.cod.flows import confirming, converting, deposits, refunding
from services.cod.rules.couriers import Courier
from services.cod.rules.merchants import Merchant
from services.cod.rules.orders import Order, closed
from services.cod.rules.page import page_url
from services.cod.rules.refund_accounts import RefundAccount
from services.cod.rules.refunds import Refund
from services.cod.store import refunds
from services.cod.store.addresses import ADDRESSES
from services.cod.store.couriers import COURIERS
from services.cod.store.orders import ORDERS

SHOWN: Final = 20  # refunds on the page


@dataclass(frozen=True, slots=True)
class CodPage:
    order: Order
    courier: Courier
    merchant: Merchant
    form_key: str
    refunds: Sequence[Refund]


async def urls_of(deps: Deps, order_ids: Sequence[str]) -> Mapping[str, str]:
    """URLs of the pages of orders of the call's merchant, by order; without those that have
    none.
    """
    found = await deps.db.run(ADDRESSES.tokens, deps.seal, context.merchant_id(), order_ids)
    return {order_id: page_url(deps.public_url, token) for order_id, token in found.items()}


async def get_address(deps: Deps, cod_order_id: str) -> str:
    """The page's URL, for the message that links to it."""
    return required((await urls_of(deps, [cod_order_id])).get(cod_order_id), OrderNotFound)


async def open_order(deps: Deps, token: str) -> Order:
    """The order; from here on, the call acts for its merchant. Raises OrderNotFound."""
    found = required(await deps.db.run(ADDRESSES.find, token), OrderNotFound)
    context.act_as_shopper(found.row.merchant_id, found.clock_offset_seconds)
    return found.row


async def get_page(deps: Deps, opened: Order) -> CodPage:
    """A pure read."""
    async with deps.db.snapshot() as conn:
        order = required(await ORDERS.get(conn, opened.merchant_id, opened.id), OrderNotFound)
        courier = await COURIERS.get(conn, order.merchant_id, order.courier_id)
        known = await refunds.of_order(conn, order.merchant_id, order.id, most=SHOWN)
    return CodPage(
        order=order,
        courier=required(courier, OrderNotFound),
        merchant=await deps.merchants.get(),
        form_key=secrets.token_urlsafe(16),
        refunds=known,
    )


async def confirm(deps: Deps, opened: Order, code: str, key: Key | None) -> CodPage:
    await confirming.confirm_order(deps, opened.id, code, key)
    return await get_page(deps, opened)


async def send_code(deps: Deps, opened: Order, key: Key) -> CodPage:
    await confirming.send_code(deps, opened.id, key)
    return await get_page(deps, opened)


async def pay_online(deps: Deps, opened: Order) -> str:
    """The URL of the link that pays it. Raises OrderClosed, NothingToPayOnline,
    ServiceUnavailable.
    """
    found = await converting.pay_online(deps, opened.id)
    if found.code is None:  # it has been paid, or closed, since
        raise closed(found.order)
    return found.code.url


async def pay_deposit(deps: Deps, opened: Order) -> str:
    """The URL of the link that pays its deposit. Raises DepositNotDue, ServiceUnavailable."""
    return required(await deposits.pay_deposit(deps, opened.id), DepositNotDue)


async def name_account(deps: Deps, opened: Order, account: RefundAccount) -> CodPage:
    """Sets the account for the order's cash refunds."""
    await refunding.account_by_shopper(deps, opened.id, account)
    return await get_page(deps, opened)
