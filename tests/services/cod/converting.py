"""Orders that are paid online, with paylink played."""

from typing import Any

from incasso.paylink.v1 import events_pb2 as link_events
from incasso.paylink.v1 import paylink_pb2
from libs import clock, ids
from libs.bus import Event
from services.cod import worker
from tests.services.cod.orders import Shop

PREFIX = "incasso.paylink.payment_link."


async def convert(shop: Shop, order: Any, *, key: str = "") -> Any:
    return await shop.call("ConvertCodOrder", cod_order_id=order.id, key=key or ids.new("key"))


def link_of(shop: Shop, answer: Any) -> paylink_pb2.PaymentLink:
    """As paylink has it."""
    wanted = answer.payment_link.payment_link_id
    return next(link for link in shop.world.paylink.links.values() if link.id == wanted)


async def pay(shop: Shop, link: Any, *, payment_id: str = "", amount_minor: int = 0) -> None:
    """Paylink's event."""
    amount = type(link.amount)(
        amount_minor=amount_minor or link.amount.amount_minor, currency="EUR"
    )
    payment = paylink_pb2.LinkPayment(amount=amount, payment_id=payment_id or f"pay_{link.id}")
    await shop.world.hear(
        _event(shop, link, link_events.PaymentLinkPaid(payment_link=link, link_payment=payment))
    )


async def end(shop: Shop, link: Any, *, how: str = "expired") -> None:
    """Paylink's event: expired, or cancelled."""
    kind = worker.LINKS[f"{PREFIX}{how}"]
    await shop.world.hear(_event(shop, link, kind(payment_link=link), how))


def _event(shop: Shop, link: Any, message: Any, how: str = "paid") -> Event:
    return Event(
        event_id=ids.new("evt"),
        merchant_id=shop.world.merchant_id,
        aggregate_id=link.id,
        subject=f"{PREFIX}{how}",
        body=message.SerializeToString(),
        traceparent="",
        occurred_at=clock.world_now(),
        route=worker.OF_ORDERS,
    )


async def work(shop: Shop) -> None:
    """What paylink is to be asked is asked."""
    async with shop.world.deps.db.connection() as conn:
        await conn.execute("UPDATE order_links SET due_at = now() WHERE due_at IS NOT NULL")
    await worker.link_worker(shop.world.deps).run_once()


async def links_of(shop: Shop, order: Any) -> list[tuple[int, str]]:
    """Number and state of an order's links, as cod has them."""
    async with shop.world.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT number, state FROM order_links WHERE order_id = $1 ORDER BY number", order.id
        )
    return [(row["number"], row["state"]) for row in rows]
