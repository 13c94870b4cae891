"""Orders that are paid online, with test doubles for paylink and payments."""

from typing import Any

from incasso.paylink.v1 import events_pb2 as link_events
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs import clock, ids
from libs.bus import Event
from services.cod import worker
from tests.services.cod.orders import Shop

FEE = {"tiers": [{"fixed_minor": 2_00}], "vat_basis_points": 2200}
PREFIX = "incasso.paylink.payment_link."


async def with_fee(shop: Shop, amount_minor: int = 50_00, **more: Any) -> Any:
    """An order that costs 2.00 more at the door."""
    await shop.world.settings(fee=FEE, sells_to_consumers=False)
    return await shop.propose(amount_minor, **more)


async def dispatched(shop: Shop, *amounts: int, **more: Any) -> Any:
    """The same, dispatched in parcels with these amounts to collect."""
    order = await with_fee(shop, sum(amounts) - 2_00 if amounts else 50_00, **more)
    await shop.acknowledge(order, *amounts)
    return await shop.dispatch(order)


async def convert(shop: Shop, order: Any, *, key: str = "") -> Any:
    return await shop.call("ConvertCodOrder", cod_order_id=order.id, key=key or ids.new("key"))


def link_of(shop: Shop, answer: Any) -> paylink_pb2.PaymentLink:
    """The answer's link, as paylink has it."""
    wanted = answer.payment_link.payment_link_id
    return next(link for link in shop.world.paylink.links.values() if link.id == wanted)


def deposit_link(shop: Shop, order: Any) -> paylink_pb2.PaymentLink:
    """The newest link for the order's deposit, as paylink has it."""
    links = shop.world.paylink.links.values()
    of_order = [link for link in links if link.cod_order_id == order.id]
    return [link for link in of_order if shop.world.paylink.parts[link.id] == "deposit"][-1]


def taken(shop: Shop, link: Any) -> payments_pb2.Payment:
    """The payment that paid the link, in payments' books."""
    made = payments_pb2.Payment(
        id=f"pay_{link.id}",
        state=payments_pb2.Payment.STATE_CAPTURED,
        amount=link.amount,
        captured_minor=link.amount.amount_minor,
        method="link",
        order_reference=link.order_reference,
    )
    return shop.world.payments.books.setdefault(link.id, made)


async def pay(shop: Shop, link: Any, *, by_transfer: bool = False) -> None:
    """Delivers paylink's event for a link paid by card, or by a transfer that a person assigned."""
    payment_id = "" if by_transfer else taken(shop, link).id
    payment = paylink_pb2.LinkPayment(amount=link.amount, payment_id=payment_id)
    payload = link_events.PaymentLinkPaid(payment_link=link, link_payment=payment)
    await shop.world.deliver(_event(shop, link.id, f"{PREFIX}paid", payload))


async def end(shop: Shop, link: Any, *, how: str = "expired") -> None:
    """Delivers paylink's event: expired, or cancelled."""
    subject = f"{PREFIX}{how}"
    payload = worker.LINKS[subject](payment_link=link)
    await shop.world.deliver(_event(shop, link.id, subject, payload))


async def refund_moves(shop: Shop, payment: Any, refund: Any) -> None:
    """Delivers payments' event for a refund that has ended."""
    failed = refund.state == payments_pb2.Refund.STATE_FAILED
    subject = f"incasso.payments.payment.{'refund_failed' if failed else 'refunded'}"
    payload = worker.REFUNDS[subject](payment=payment, refund=refund)
    await shop.world.deliver(_event(shop, payment.id, subject, payload))


def refunds(shop: Shop, link: Any) -> list[int]:
    """The amounts refunded of a link's payment."""
    failed = payments_pb2.Refund.STATE_FAILED
    return [one.amount_minor for one in taken(shop, link).refunds if one.state != failed]


def _event(shop: Shop, about: str, subject: str, message: Any) -> Event:
    return Event(
        event_id=ids.new("evt"),
        merchant_id=shop.world.merchant_id,
        aggregate_id=about,
        subject=subject,
        body=message.SerializeToString(),
        traceparent="",
        occurred_at=clock.world_now(),
    )


async def work(shop: Shop) -> None:
    """Makes everything due, and runs the workers that call paylink and payments."""
    async with shop.world.deps.db.connection() as conn:
        await conn.execute("UPDATE order_links SET due_at = now() WHERE due_at IS NOT NULL")
        await conn.execute("UPDATE online_refunds SET due_at = now() WHERE due_at IS NOT NULL")
    await worker.link_worker(shop.world.deps).run_once()
    await worker.refund_worker(shop.world.deps).run_once()


async def links_of(shop: Shop, order: Any) -> list[tuple[int, str]]:
    """Number and state of an order's links at cod."""
    async with shop.world.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT number, state FROM order_links WHERE merchant_id = $1 AND order_id = $2"
            " ORDER BY number",
            shop.world.merchant_id,
            order.id,
        )
    return [(row["number"], row["state"]) for row in rows]
