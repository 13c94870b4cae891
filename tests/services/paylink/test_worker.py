"""Events of payments: any order, any number of times, and only those that concern a link."""

import asyncio
import itertools

import pytest

from incasso.payments.v1 import events_pb2, payments_pb2
from libs import context, ids
from libs.bus import Event
from libs.clock import Clock
from services.paylink import worker
from services.paylink.store.links import LINKS
from tests.kit.payments_double import lose_answer
from tests.services.paylink.world import Link, Try, World
from tests.waiting import HANGING_SECONDS

State = payments_pb2.Payment
VERBS = {
    State.STATE_REQUIRES_ACTION: ("action_required", events_pb2.PaymentActionRequired),
    State.STATE_PENDING: ("pending", events_pb2.PaymentPending),
    State.STATE_AUTHORISED: ("authorised", events_pb2.PaymentAuthorised),
    State.STATE_CAPTURED: ("captured", events_pb2.PaymentCaptured),
    State.STATE_DECLINED: ("declined", events_pb2.PaymentDeclined),
    State.STATE_CANCELLED: ("cancelled", events_pb2.PaymentCancelled),
}


async def deliver(world: World, payment, state, *, method: str = "link") -> None:
    reported = payments_pb2.Payment()
    reported.CopyFrom(payment)
    reported.state = state
    reported.method = method
    verb, message = VERBS[state]
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=reported.id,
        subject=f"incasso.payments.payment.{verb}",
        body=message(payment=reported).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="paylink"))
    async with world.db.transaction() as tx:
        await worker.handlers(world.deps)[event.subject](tx, event)


async def paying(world: World):
    link = await world.sent_link()
    world.payments.state = State.STATE_REQUIRES_ACTION
    payment = await world.pay(link)
    return link, world.payments.payment(payment.link_payment.payment_id)


@pytest.mark.parametrize(
    "order",
    list(
        itertools.permutations(
            [State.STATE_REQUIRES_ACTION, State.STATE_AUTHORISED, State.STATE_CAPTURED]
        )
    ),
)
async def test_events_in_any_order_and_repeated_pay_the_link_once(world: World, order):
    link, payment = await paying(world)
    for state in (*order, *order):
        await deliver(world, payment, state)
    paid = await world.get(link)
    assert (paid.state, paid.uses) == (Link.STATE_PAID, 1)
    assert (await world.subjects(link)).count("paid") == 1


@pytest.mark.parametrize("reported", [State.STATE_CAPTURED, State.STATE_AUTHORISED])
async def test_an_event_already_known_from_the_answer_takes_no_lock(world: World, reported):
    """One read is all: with a lock and a write, each event would cost as much as the answer."""
    link = await world.sent_link()
    paid = await world.pay(link)
    payment = world.payments.payment(paid.link_payment.payment_id)
    async with asyncio.timeout(HANGING_SECONDS), world.db.transaction() as tx:
        await LINKS.lock(tx, world.merchant_id, link.id)
        await deliver(world, payment, reported)


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        (State.STATE_DECLINED, Try.STATE_DECLINED),
        (State.STATE_CANCELLED, Try.STATE_CANCELLED),
    ],
)
async def test_a_decline_or_cancellation_event_reopens_the_link(world: World, state, ended):
    link, payment = await paying(world)
    await deliver(world, payment, state)
    await deliver(world, payment, State.STATE_REQUIRES_ACTION)
    assert (await world.get(link)).state == Link.STATE_SENT
    assert [one.state for one in await world.tries(link)] == [ended]


async def test_payments_of_other_methods_and_merchants_change_nothing(world: World, other: World):
    link, payment = await paying(world)
    await deliver(world, payment, State.STATE_CAPTURED, method="one_click")
    await deliver(other, payment, State.STATE_CAPTURED)
    assert (await world.get(link)).state == Link.STATE_PAYING


async def test_a_payment_event_is_dated_by_the_test_merchants_clock(world: World):
    link, payment = await paying(world)
    await world.advance(days=3)
    await deliver(world, payment, State.STATE_CAPTURED)
    paid = await world.get(link)
    assert (paid.paid_at.ToDatetime() - paid.created_at.ToDatetime()).days == 3


async def test_an_event_settles_the_attempt_whose_answer_was_lost(world: World):
    link = await world.link()
    world.payments.after["CreatePayment"] = lose_answer
    await world.pay(link)
    (payment,) = world.payments.books.values()
    await deliver(world, payment, State.STATE_CAPTURED)
    paid = await world.get(link)
    assert (paid.state, paid.payment_id) == (Link.STATE_PAID, payment.id)
