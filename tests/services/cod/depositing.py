"""Orders with a deposit, which is paid online before they are dispatched."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.services.cod.converting import deposit_link, pay, with_fee
from tests.services.cod.orders import Shop
from tests.services.cod.test_pages import token_of


async def asking(shop: Shop, amount_minor: int = 50_00, **more: Any) -> Any:
    """An order of 50.00 with a fee of 2.00, and a deposit of 10.00."""
    return await with_fee(shop, amount_minor, **{"deposit_minor": 10_00, **more})


async def paid(shop: Shop, *amounts: int) -> Any:
    """The same with its deposit paid; dispatched in these parcels, if any."""
    order = await asking(shop)
    await pay(shop, deposit_link(shop, order))
    if amounts:
        await shop.acknowledge(order, *amounts)
        await shop.dispatch(order)
    return await shop.get(order.id)


async def brought(shop: Shop, order: Any) -> int:
    """An order's revenue: paid online less refunds, plus cash collected."""
    now = await shop.get(order.id)
    return now.paid_online_minor - now.refunded_online_minor + now.collected_minor


async def cancel(shop: Shop, order: Any) -> Any:
    return (await shop.call("CancelCodOrder", cod_order_id=order.id)).order


async def pay_on_page(shop: Shop, order: Any) -> str:
    """The URL to which the page leads."""
    world = replace(shop.world, merchant_id="", ahead=timedelta())
    return (await world.call("PayCodPageDeposit", token=token_of(order))).url
