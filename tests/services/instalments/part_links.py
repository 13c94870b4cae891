"""Missed parts with payment links, and a test double for paylink: helpers that tests share."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from incasso.paylink.v1 import events_pb2 as link_events
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.bus import Event
from libs.clock import Clock
from libs.errors import RemoteRefusal
from libs.payments.answer import Intent
from services.instalments import worker
from tests.services.instalments.world import World

Decline, Payment = payments_pb2.Decline, payments_pb2.Payment
LATER, ASK = Decline.ADVICE_LATER, Decline.ADVICE_ASK_SHOPPER


async def work(world: World) -> None:
    """Makes all links due, and runs the worker that calls paylink."""
    async with world.deps.db.connection() as conn:
        await conn.execute("UPDATE part_links SET due_at = now() WHERE due_at IS NOT NULL")
    await worker.link_worker(world.deps).run_once()


async def missed(world: World, advice=LATER, **terms):
    """A plan whose second part was missed, with its link."""
    plan = await world.active(**terms)
    world.payments.one_per_part = True
    world.say_no(advice)
    await world.collected(plan.id, 2)
    world.say_yes()
    await work(world)
    return await world.get(plan.id)


def links_of(world: World, plan) -> list:
    return [link for link in world.paylink.links.values() if link.plan_id == plan.id]


async def pay(world: World, link) -> bool:
    """Pays as paylink does: by card, as the part of the order. Whether it was paid; if so, paylink reports it."""
    request = pay_request(link)
    world.act()
    sealed = world.deps.payments.sealed(request)
    try:
        answer = await world.deps.payments.create(Intent(ids.new("lpy"), sealed, None))
    except RemoteRefusal as refusal:
        if refusal.reason != "order_already_paid":
            raise
        return False
    await deliver(world, link, answer.id)
    return True


def pay_request(link) -> payments_pb2.CreatePaymentRequest:
    request = payments_pb2.CreatePaymentRequest(
        amount=link.amount,
        order_reference=link.order_reference,
        order_part=f"instalment:{link.instalment_number}",
        method="link",
        capture=payments_pb2.CAPTURE_MODE_NOW,
        initiator=payments_pb2.INITIATOR_CUSTOMER,
    )
    request.instrument.tokens.add(psp_account="sandbox-a", token="tok_visa")
    return request


async def deliver(world: World, link, payment_id: str) -> None:
    """Delivers paylink's event."""
    paid = link_events.PaymentLinkPaid(
        payment_link=link,
        link_payment=paylink_pb2.LinkPayment(amount=link.amount, payment_id=payment_id),
    )
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=link.id,
        subject=worker.LINK_PAID,
        body=paid.SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
        route=worker.OF_PARTS,
    )
    await world.deliver(event)


def states(plan) -> list[str]:
    part = plan.instalments[0]
    return [part.State.Name(each.state).removeprefix("STATE_").lower() for each in plan.instalments]


def taken(world: World, plan, number: int) -> list:
    """Captured payments of a part."""
    of_part = (plan.order_reference, f"instalment:{number}")
    captured = Payment.STATE_CAPTURED
    return [
        one
        for one in world.payments.books.values()
        if (one.order_reference, one.order_part) == of_part and one.state == captured
    ]


@asynccontextmanager
async def held(world: World, call: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """Runs the call until it reaches payments, which holds it meanwhile."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        world.payments.before.clear()
        asked.set()
        await go_on.wait()

    world.payments.before["CreatePayment"] = hold
    task = asyncio.create_task(call)
    await asked.wait()
    try:
        yield task
    finally:
        go_on.set()
        await task
