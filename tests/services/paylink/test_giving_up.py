"""A challenge does not block a link: its shopper can pay another way, its merchant can cancel."""

import pytest

from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, Try, World, token_of

State = payments_pb2.Payment


async def challenged(world: World, **more):
    link = await world.sent_link(**more)
    world.payments.state = State.STATE_REQUIRES_ACTION
    payment = await world.pay(link)
    world.payments.state = State.STATE_CAPTURED
    return link, payment


async def give_up(world: World, link, use: str = ""):
    await world.visit("GiveUpPayment", token=token_of(link), use=use)


async def cancel(world: World, link):
    request = pb.CancelPaymentLinkRequest(payment_link_id=link.id)
    return (await world.call("CancelPaymentLink", request)).payment_link


async def test_a_shopper_can_give_up_a_challenge_and_pay_again(world: World):
    link, _ = await challenged(world)
    await give_up(world, link)
    assert (await world.get(link)).state == Link.STATE_SENT
    assert (await world.page(link)).payment.link_payment.state == Try.STATE_CANCELLED
    await give_up(world, link)
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID
    states = sorted(payment.state for payment in world.payments.books.values())
    assert states == [State.STATE_CAPTURED, State.STATE_CANCELLED]


async def test_giving_up_on_a_reusable_link_cancels_only_ones_own_challenge(world: World):
    link, first = await challenged(world, reusable=True)
    world.payments.state = State.STATE_REQUIRES_ACTION
    second = await world.pay(link)
    await give_up(world, link)
    await give_up(world, link, second.use)
    states = {one.id: one.state for one in await world.tries(link)}
    assert states[first.link_payment.id] == Try.STATE_PROCESSING
    assert states[second.link_payment.id] == Try.STATE_CANCELLED


async def test_giving_up_a_challenge_that_was_just_passed_leaves_the_link_paid(world: World):
    link, payment = await challenged(world)
    world.payments.payment(payment.link_payment.payment_id).state = State.STATE_CAPTURED
    world.payments.before["CancelPayment"] = refuse(Kind.CONFLICT, "payment_not_cancellable")
    await give_up(world, link)
    assert (await world.get(link)).state == Link.STATE_PAID


@pytest.mark.parametrize("state", [State.STATE_PENDING, State.STATE_PROCESSING])
async def test_a_pending_or_processing_payment_cannot_be_given_up(world: World, state):
    link = await world.sent_link()
    world.payments.state = state
    await world.pay(link)
    assert await refused(give_up(world, link)) == "payment_link_paying"
    assert await refused(cancel(world, link)) == "payment_link_paying"
    assert world.payments.keys["CancelPayment"] == []


async def test_a_lost_cancellation_answer_keeps_the_link_paying_until_the_retry(world: World):
    link, _ = await challenged(world)
    world.payments.after["CancelPayment"] = once(lose_answer)
    assert await refused(give_up(world, link)) == "outcome_unknown"
    assert (await world.get(link)).state == Link.STATE_PAYING
    await give_up(world, link)
    assert (await world.get(link)).state == Link.STATE_SENT
    assert len(set(world.payments.keys["CancelPayment"])) == 1


async def test_a_merchant_can_cancel_a_link_with_a_pending_challenge(world: World):
    link, payment = await challenged(world)
    assert (await cancel(world, link)).state == Link.STATE_CANCELLED
    behind = world.payments.payment(payment.link_payment.payment_id)
    assert behind.state == State.STATE_CANCELLED
    assert [one.state for one in await world.tries(link)] == [Try.STATE_CANCELLED]


async def test_a_merchant_cannot_cancel_a_link_that_was_paid_meanwhile(world: World):
    link, payment = await challenged(world)
    world.payments.payment(payment.link_payment.payment_id).state = State.STATE_CAPTURED
    world.payments.before["CancelPayment"] = refuse(Kind.CONFLICT, "payment_not_cancellable")
    assert await refused(cancel(world, link)) == "payment_link_closed"
    assert (await world.get(link)).state == Link.STATE_PAID
