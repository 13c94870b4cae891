"""A plan given up by its shopper, or with its link, is cancelled at instalments first."""

from incasso.paylink.v1 import paylink_pb2 as pb
from libs.payments.asking import AFTER_END
from tests.services.paylink.test_links import refused
from tests.services.paylink.test_plans import NO_ANSWER, Plan, chosen, deliver, give_up
from tests.services.paylink.world import Link, Try, World


async def test_a_waiting_transfer_pays_the_link_when_the_plan_is_given_up(world: World):
    link, _ = await chosen(world)
    await world.transfer(12900, link.creditor_reference)
    await give_up(world, link)
    assert (await world.get(link)).state == Link.STATE_PAID
    tries = [(one.method, one.state) for one in await world.tries(link)]
    assert sorted(tries) == [
        (pb.METHOD_BANK_TRANSFER, Try.STATE_SUCCEEDED),
        (pb.METHOD_INSTALMENTS, Try.STATE_CANCELLED),
    ]


async def test_a_shopper_can_give_up_a_plan_and_pay_by_card(world: World):
    link, plan_id = await chosen(world)
    await give_up(world, link)
    assert world.instalments.plan(plan_id).state == Plan.STATE_CANCELLED
    await world.pay(link)
    await deliver(world, plan_id, Plan.STATE_CANCELLED)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_a_plan_whose_first_part_is_being_paid_cannot_be_given_up(world: World):
    link, plan_id = await chosen(world)
    world.instalments.busy.add(plan_id)
    assert await refused(give_up(world, link)) == "payment_link_paying"
    cancel = pb.CancelPaymentLinkRequest(payment_link_id=link.id)
    assert await refused(world.call("CancelPaymentLink", cancel)) == "payment_link_paying"
    assert (await world.get(link)).state == Link.STATE_PAYING


async def test_giving_up_an_already_active_plan_pays_the_link(world: World):
    link, plan_id = await chosen(world)
    world.instalments.plan(plan_id).state = Plan.STATE_ACTIVE
    await give_up(world, link)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_cancelling_the_link_cancels_its_plan(world: World):
    link, plan_id = await chosen(world)
    cancel = pb.CancelPaymentLinkRequest(payment_link_id=link.id)
    await world.call("CancelPaymentLink", cancel)
    assert world.instalments.plan(plan_id).state == Plan.STATE_CANCELLED
    assert (await world.get(link)).state == Link.STATE_CANCELLED


async def test_a_link_with_a_plan_cannot_be_cancelled_during_an_instalments_outage(world: World):
    link, _ = await chosen(world)
    world.instalments.before["CancelInstalmentPlan"] = NO_ANSWER
    cancel = pb.CancelPaymentLinkRequest(payment_link_id=link.id)
    assert await refused(world.call("CancelPaymentLink", cancel)) == "payment_link_paying"
    assert await refused(give_up(world, link)) == "payment_link_paying"


async def test_a_plan_activated_after_its_attempt_ended_is_counted(world: World):
    link, plan_id = await chosen(world)
    await give_up(world, link)
    await world.pay(link)
    before = AFTER_END._value.get()
    await deliver(world, plan_id, Plan.STATE_ACTIVE)
    assert AFTER_END._value.get() == before + 1
    assert (await world.get(link)).paid_minor == 12900
