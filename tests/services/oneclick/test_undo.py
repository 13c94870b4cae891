"""Undo within the grace period, through the gRPC door."""

from datetime import timedelta

import pytest

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs.errors import Refusal
from tests.services.oneclick.payments_double import lose_answer, money, once
from tests.services.oneclick.test_sessions import browser, opened, pay
from tests.services.oneclick.world import World

State = payments_pb2.Payment
DELAYED = payments_pb2.CAPTURE_MODE_DELAYED


async def delayed(world: World, **more):
    world.payments.state = State.STATE_AUTHORISED
    customer_id = await world.shopper()
    return await world.charge(customer_id, 5990, capture=DELAYED, grace_seconds=600, **more)


async def undo(world: World, payment_id: str, *, key: str = "undo-1", **more):
    request = pb.UndoOneClickPaymentRequest(payment_id=payment_id, **more)
    return (await world.call("UndoOneClickPayment", request, key=key)).payment


async def test_the_whole_order_can_be_cancelled_and_frees_the_limits(world: World):
    payment = await delayed(world)
    undone = await undo(world, payment.id)
    assert undone.state == State.STATE_CANCELLED
    (charge,) = await world.charges()
    assert charge["state"] == "cancelled"
    (key,) = world.payments.keys["CancelPayment"]
    assert key.startswith(f"{charge['id']}-undo-")


async def test_the_order_can_be_lowered_and_counts_less(world: World):
    payment = await delayed(world)
    lowered = await undo(world, payment.id, amount=money(3000))
    assert (lowered.state, lowered.capturable_minor) == (State.STATE_AUTHORISED, 3000)
    assert [row["amount_minor"] for row in await world.charges()] == [3000]


async def test_the_same_key_gives_the_same_answer(world: World):
    payment = await delayed(world)
    assert await undo(world, payment.id) == await undo(world, payment.id)
    assert len(world.payments.keys["CancelPayment"]) == 1


async def test_no_answer_is_asked_again_under_the_same_derived_key(world: World):
    payment = await delayed(world)
    world.payments.after["CancelPayment"] = once(lose_answer)
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id)
    assert refused.value.reason == "outcome_unknown"
    assert (await undo(world, payment.id)).state == State.STATE_CANCELLED
    assert len(set(world.payments.keys["CancelPayment"])) == 1


async def test_after_the_grace_period_nothing_is_undone(world: World):
    payment = await delayed(world)
    world.offset = timedelta(seconds=601)
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id)
    assert refused.value.reason == "grace_period_over"


async def test_only_a_delayed_capture_is_undone(world: World):
    payment = await world.charge(await world.shopper())
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id)
    assert refused.value.reason == "payment_not_cancellable"


async def test_a_refusal_of_payments_is_passed_on(world: World):
    payment = await delayed(world)
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id, amount=money(6000))
    assert refused.value.reason == "capture_too_large"


async def test_a_browser_undoes_only_what_its_session_paid(world: World):
    other = await delayed(world)
    session = await opened(world, await world.shopper(), capture=DELAYED, grace_seconds=600)
    paid = await pay(world, session)
    shopper = browser(world)
    for payment_id, secret in ((paid.payment.id, None), (other.id, session.client_secret)):
        with pytest.raises(Refusal) as refused:
            await undo(shopper, payment_id, client_secret=secret)
        assert refused.value.reason == "client_secret_invalid"
    undone = await undo(shopper, paid.payment.id, client_secret=session.client_secret)
    assert undone.state == State.STATE_CANCELLED
