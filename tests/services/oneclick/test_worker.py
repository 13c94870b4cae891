"""Events of payments, and offers."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import events_pb2, payments_pb2
from libs import bus, consumer, context, ids, relay
from libs.clock import Clock
from services.oneclick import worker
from tests.kit.payments_double import money
from tests.services.oneclick.test_sessions import find_session, opened, pay
from tests.services.oneclick.world import World
from tests.waiting import HANGING_SECONDS

State = payments_pb2.Payment
EVENTS = {
    State.STATE_REQUIRES_ACTION: ("action_required", events_pb2.PaymentActionRequired),
    State.STATE_PENDING: ("pending", events_pb2.PaymentPending),
    State.STATE_AUTHORISED: ("authorised", events_pb2.PaymentAuthorised),
    State.STATE_CAPTURED: ("captured", events_pb2.PaymentCaptured),
    State.STATE_DECLINED: ("declined", events_pb2.PaymentDeclined),
    State.STATE_CANCELLED: ("cancelled", events_pb2.PaymentCancelled),
}


def event(world: World, payment, state: int) -> bus.Event:
    verb, message = EVENTS[state]
    reported = payments_pb2.Payment()
    reported.CopyFrom(payment)
    reported.state = state
    return bus.Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=payment.id,
        subject=f"incasso.payments.payment.{verb}",
        body=message(payment=reported).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )


async def happens(world: World, payment, state: int) -> None:
    received = event(world, payment, state)
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="oneclick"))
    async with world.db.transaction() as tx:
        await worker.handlers()[received.subject](tx, received)


@pytest.mark.parametrize(
    ("states", "end"),
    [
        ([State.STATE_CAPTURED], "succeeded"),
        ([State.STATE_AUTHORISED, State.STATE_CAPTURED], "succeeded"),
        ([State.STATE_CAPTURED, State.STATE_AUTHORISED], "succeeded"),
        ([State.STATE_CAPTURED, State.STATE_PENDING], "succeeded"),
        ([State.STATE_AUTHORISED, State.STATE_CANCELLED], "cancelled"),
        ([State.STATE_CANCELLED, State.STATE_AUTHORISED], "cancelled"),
        ([State.STATE_REQUIRES_ACTION, State.STATE_DECLINED], "declined"),
        ([State.STATE_DECLINED, State.STATE_REQUIRES_ACTION], "declined"),
        ([State.STATE_PENDING, State.STATE_PENDING], "under_way"),
    ],
)
async def test_events_settle_a_charge_in_any_order(world: World, states, end):
    customer_id = await world.shopper()
    world.payments.state = State.STATE_PROCESSING
    payment = await world.charge(customer_id)
    for state in states:
        await happens(world, payment, state)
    (charge,) = await world.charges()
    assert charge["state"] == end
    assert (charge["due_at"] is None) == (end != "under_way")


async def test_a_charge_takes_the_lowest_reported_amount_in_any_order(world: World):
    customer_id = await world.shopper()
    world.payments.state = State.STATE_AUTHORISED
    payment = await world.charge(customer_id, capture=payments_pb2.CAPTURE_MODE_DELAYED)
    for amount_minor in (3000, 5990, 4000):
        payment.capturable_minor = amount_minor
        lowered = event(world, payment, State.STATE_AUTHORISED)
        lowered = replace(
            lowered,
            subject="incasso.payments.payment.lowered",
            body=events_pb2.PaymentLowered(payment=payment).SerializeToString(),
        )
        context.set_current(context.Call(merchant_id=world.merchant_id, actor="oneclick"))
        async with world.db.transaction() as tx:
            await worker.handlers()[lowered.subject](tx, lowered)
    assert [row["amount_minor"] for row in await world.charges()] == [3000]


async def row_version(world: World) -> str:
    """Changes with every write of the only charge."""
    mine = "SELECT xmin FROM charges WHERE merchant_id = $1"
    return str(await world.value(mine, world.merchant_id))


@pytest.mark.parametrize(
    ("answered", "reported", "known"),
    [
        (State.STATE_CAPTURED, State.STATE_CAPTURED, True),
        (State.STATE_DECLINED, State.STATE_DECLINED, True),
        (State.STATE_PENDING, State.STATE_PENDING, True),
        (
            State.STATE_PENDING,
            State.STATE_REQUIRES_ACTION,
            False,
        ),  # a challenge is new information: it ends the exemptions
        (State.STATE_PENDING, State.STATE_CAPTURED, False),
        (State.STATE_CAPTURED, State.STATE_CANCELLED, False),
    ],
)
async def test_an_event_writes_only_what_the_answer_did_not_report(
    world: World, answered, reported, known
):
    world.payments.state = answered
    payment = await world.charge(await world.shopper())
    before = await row_version(world)
    await happens(world, payment, reported)
    assert (await row_version(world) == before) is known


async def test_a_lower_amount_is_written_once(world: World):
    world.payments.state = State.STATE_AUTHORISED
    payment = await world.charge(await world.shopper(), capture=payments_pb2.CAPTURE_MODE_DELAYED)
    payment.capturable_minor -= 1
    before = await row_version(world)
    await happens(world, payment, State.STATE_AUTHORISED)
    assert await row_version(world) != before
    before = await row_version(world)
    await happens(world, payment, State.STATE_AUTHORISED)
    assert await row_version(world) == before


async def test_an_event_of_a_foreign_payment_changes_nothing(world: World):
    customer_id = await world.shopper()
    payment = await world.charge(customer_id)
    foreign = payments_pb2.Payment(id=ids.new("pay"), method="one_click")
    await happens(world, foreign, State.STATE_CAPTURED)
    link = payments_pb2.Payment(id=payment.id, method="link")
    await happens(world, link, State.STATE_CANCELLED)
    assert [row["state"] for row in await world.charges()] == ["succeeded"]


async def test_a_session_follows_its_payment(world: World):
    session = await opened(world, await world.shopper())
    world.payments.state = State.STATE_REQUIRES_ACTION
    paying = await pay(world, session)
    await happens(world, paying.payment, State.STATE_CAPTURED)
    assert await world.value("SELECT state FROM sessions WHERE id = $1", session.id) == "paid"


async def test_a_failed_challenge_reopens_the_session(world: World):
    session = await opened(world, await world.shopper())
    world.payments.state = State.STATE_REQUIRES_ACTION
    paying = await pay(world, session)
    world.payments.payment(paying.payment.id).state = State.STATE_DECLINED
    await happens(world, paying.payment, State.STATE_DECLINED)
    seen = await find_session(world, session)
    assert seen.state == pb.OneClickSession.STATE_OPEN
    assert seen.payment.state == State.STATE_DECLINED
    world.payments.state = State.STATE_CAPTURED
    assert (await pay(world, session)).state == pb.OneClickSession.STATE_PAID


async def test_cancelled_payments_free_the_limits_and_challenges_reset_the_history(world: World):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_hourly_charges=1))
    world.payments.state = State.STATE_REQUIRES_ACTION
    first = await world.charge(customer_id)
    await happens(world, first, State.STATE_CAPTURED)
    challenged_at = await world.value(
        "SELECT last_challenge_at FROM instruments WHERE customer_id = $1", customer_id
    )
    assert challenged_at == (await world.charges())[0]["created_at"]
    await happens(world, first, State.STATE_CANCELLED)
    world.payments.state = State.STATE_CAPTURED
    await world.charge(customer_id)


async def test_a_charge_is_settled_by_an_event_from_the_bus(world: World, nats_url: str):
    world.payments.state = State.STATE_PENDING
    payment = await world.charge(await world.shopper())
    connection = await bus.connect(nats_url, service="test")
    captured = event(world, payment, State.STATE_CAPTURED)
    reader = consumer.Consumer(ids.new("con"), world.db, connection, worker.handlers())
    running = asyncio.create_task(reader.run())
    try:
        await relay.publish(connection, captured)
        async with asyncio.timeout(HANGING_SECONDS):
            while (await world.charges())[0]["state"] != "succeeded":  # noqa: ASYNC110 - the change is in the database
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await connection.close()


async def offer(world: World, customer_id: str, amount_minor: int = 5990):
    request = pb.GetOfferRequest()
    request.cart.amount.CopyFrom(money(amount_minor))
    request.cart.customer_id = customer_id
    return (await world.call("GetOffer", request)).offer


async def test_an_offer_shows_the_masked_card(world: World):
    customer_id = await world.customer(locale="it")
    assert (await offer(world, customer_id)).reason == "no_instrument"
    card = await world.attach(customer_id)
    offered = await offer(world, customer_id)
    assert (offered.method, offered.available, offered.fee_minor) == ("one_click", True, 0)
    assert not offered.HasField("reason")
    assert (offered.card.instrument_id, offered.card.last4) == (card.id, "4242")
    assert offered.label == "Paga con Visa •••• 4242"


async def test_an_unavailable_offer_names_its_reason(world: World):
    assert (await offer(world, "")).reason == "customer_unknown"
    customer_id = await world.shopper()
    refused = await offer(world, customer_id, 50_001)
    assert (refused.available, refused.reason) == (False, "charge_limit_exceeded")
    assert not refused.HasField("card")
    await world.call("EraseCustomer", pb.EraseCustomerRequest(customer_id=customer_id))
    assert (await offer(world, customer_id)).reason == "customer_unknown"
