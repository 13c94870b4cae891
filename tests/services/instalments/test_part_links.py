"""A missed part has a payment link: paying it pays only that part, even if its card is charged at the same
moment. Payments accepts each part of an order only once; the loser learns of the winner.
"""

import asyncio

import pytest

from libs import ids
from libs.errors import Kind, RemoteRefusal
from libs.payments.answer import Intent
from tests.kit.crashing import NO_ANSWER
from tests.kit.payments_double import once
from tests.services.instalments.part_links import (
    ASK,
    LATER,
    deliver,
    held,
    links_of,
    missed,
    pay,
    pay_request,
    states,
    taken,
    work,
)


async def test_a_missed_part_has_one_link_for_what_is_due(world):
    plan = await missed(world)
    await work(world)
    (link,) = links_of(world, plan)
    assert (link.instalment_number, link.amount.amount_minor) == (2, 5333)
    assert link.description == f"Rata 2 di 3, ordine {plan.order_reference}"
    assert link.order_reference == plan.order_reference


async def test_paying_the_link_pays_only_its_part(world):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    assert await pay(world, link)
    after = await world.get(plan.id)
    assert states(after) == ["paid", "paid", "planned"]
    (payment,) = taken(world, plan, 2)
    assert after.instalments[1].payment_id == payment.id
    assert not after.instalments[1].HasField("due_at")
    await deliver(world, link, payment.id)  # redelivered: nothing changes
    assert (await world.published()).count("instalment.paid") == 2
    await world.pass_by(days=9)
    await world.collect()
    assert len(taken(world, plan, 2)) == 1
    await world.collected(plan.id, 3)
    assert states(await world.get(plan.id)) == ["paid", "paid", "paid"]


async def test_a_part_paid_by_link_is_paid_by_the_merchants_clock(world):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    assert await pay(world, link)
    part = (await world.get(plan.id)).instalments[1]
    assert part.paid_at.seconds >= part.missed_at.seconds


async def test_a_link_that_pays_the_last_part_completes_the_plan(world):
    world.payments.one_per_part = True
    plan = await missed(world, ASK)
    await world.collected(plan.id, 3)
    (link,) = links_of(world, plan)
    assert await pay(world, link)
    after = await world.get(plan.id)
    assert after.state == after.STATE_COMPLETED


async def test_a_successful_retry_closes_the_link_as_paid(world):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    await world.collected(plan.id, 2)
    await work(world)
    assert world.paylink.closed == [(link.id, True)]
    assert not await pay(world, link)
    assert len(taken(world, plan, 2)) == 1


async def test_a_link_paid_during_the_cards_charge_pays_the_part_once(world):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    await world.until(plan.instalments[1].due_at)
    async with held(world, world.collect()):
        assert states(await world.get(plan.id))[1] == "collecting"
        assert await pay(world, link)
        assert states(await world.get(plan.id))[1] == "paid"
    after = await world.get(plan.id)
    assert states(after) == ["paid", "paid", "planned"]
    (payment,) = taken(world, plan, 2)
    assert after.instalments[1].payment_id == payment.id


async def test_a_card_charged_during_the_links_payment_pays_the_part_once(world):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    async with held(world, pay(world, link)) as paying:
        after = await world.collected(plan.id, 2)
        assert after.state == after.STATE_PAID
    assert not await paying
    (payment,) = taken(world, plan, 2)
    assert (await world.get(plan.id)).instalments[1].payment_id == payment.id


@pytest.mark.parametrize("link_first", [True, False])
async def test_link_and_retry_at_once_pay_the_part_once(world, link_first):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    await world.until(plan.instalments[1].due_at)
    both = [pay(world, link), world.collect()]
    await asyncio.gather(*(both if link_first else reversed(both)))
    assert len(taken(world, plan, 2)) == 1
    after = await world.get(plan.id)
    assert states(after) == ["paid", "paid", "planned"]
    assert after.instalments[1].payment_id == taken(world, plan, 2)[0].id


async def test_a_retry_that_finds_the_part_paid_waits_for_the_event(world):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    world.act()
    sealed = world.deps.payments.sealed(pay_request(link))
    answer = await world.deps.payments.create(Intent(ids.new("lpy"), sealed, None))
    first_retry = plan.instalments[1].due_at
    part = await world.collected(plan.id, 2)
    assert part.state == part.STATE_MISSED
    days = (part.due_at.seconds - first_retry.seconds) / 86_400
    assert days == pytest.approx(5, abs=0.1)  # the next day of the dunning, not tomorrow
    await deliver(world, link, answer.id)
    assert states(await world.get(plan.id))[1] == "paid"


async def test_a_paylink_outage_delays_the_link_but_no_collection(world):
    world.paylink.down = True
    plan = await missed(world, ASK)
    assert not links_of(world, plan)
    await world.collected(plan.id, 3)
    assert states(await world.get(plan.id)) == ["paid", "missed", "paid"]
    world.paylink.down = False
    await work(world)
    assert len(links_of(world, plan)) == 1


async def test_a_part_paid_before_its_link_was_created_gets_none(world):
    world.payments.one_per_part = True
    plan = await world.active()
    world.say_no(LATER)
    await world.collected(plan.id, 2)
    world.say_yes()
    await world.collected(plan.id, 2)
    await work(world)
    assert (links_of(world, plan), world.paylink.closed) == ([], [])


async def test_a_lost_answer_makes_no_second_link(world):
    world.paylink.after["CreateInstalmentLink"] = once(NO_ANSWER)
    plan = await missed(world)
    await work(world)
    (link,) = links_of(world, plan)
    assert await pay(world, link)
    assert states(await world.get(plan.id))[1] == "paid"


async def test_a_link_paid_before_its_creation_is_recorded_pays_the_part(world):
    world.paylink.after["CreateInstalmentLink"] = once(NO_ANSWER)
    plan = await missed(world)
    (link,) = links_of(world, plan)
    assert await pay(world, link)
    await work(world)
    assert states(await world.get(plan.id))[1] == "paid"
    assert len(links_of(world, plan)) == 1
    assert not world.paylink.closed


async def test_a_link_whose_answer_was_lost_is_closed_when_its_part_is_paid(world):
    world.paylink.after["CreateInstalmentLink"] = once(NO_ANSWER)
    plan = await missed(world)
    await world.collected(plan.id, 2)
    await work(world)
    (link,) = links_of(world, plan)
    assert world.paylink.closed == [(link.id, True)]


async def test_an_erased_customer_has_no_link_and_creation_is_not_retried(world):
    world.paylink.refusal = RemoteRefusal(Kind.CONFLICT, "customer_erased", "gone")
    plan = await missed(world)
    world.paylink.refusal = None
    await work(world)
    assert not links_of(world, plan)
