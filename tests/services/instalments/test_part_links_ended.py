"""A missed part's payment link ends when another amount is due on the part, or nothing any more."""

import pytest

from incasso.paylink.v1 import paylink_pb2
from libs import context
from libs.errors import Kind, Refusal
from libs.payments.asking import AFTER_END
from tests.services.instalments.part_links import (
    ASK,
    deliver,
    links_of,
    missed,
    pay,
    states,
    taken,
    work,
)
from tests.services.instalments.test_withdrawing import withdrawn

LATE_FEE = {"late_fee_minor": 500, "late_fees_most_minor": 500, "grace_days": 5}


async def test_a_late_fee_replaces_the_link_with_one_that_includes_it(world):
    plan = await missed(world, ASK, **LATE_FEE)
    (old,) = links_of(world, plan)
    await world.pass_by(days=6)
    await world.collect()
    await work(world)
    assert world.paylink.closed == [(old.id, False)]
    _, new = links_of(world, plan)
    assert new.amount.amount_minor == old.amount.amount_minor + 500
    assert await pay(world, new)
    part = (await world.get(plan.id)).instalments[1]
    assert (part.state, part.late_fee_minor) == (part.STATE_PAID, 500)


async def test_paying_the_old_link_waives_a_later_late_fee(world):
    plan = await missed(world, ASK, **LATE_FEE)
    (old,) = links_of(world, plan)
    await world.pass_by(days=6)
    await world.collect()
    assert await pay(world, old)
    part = (await world.get(plan.id)).instalments[1]
    assert (part.state, part.late_fee_minor) == (part.STATE_PAID, 0)
    assert part.amount_minor == old.amount.amount_minor
    await work(world)
    assert len(links_of(world, plan)) == 1  # none was requested with the fee


async def test_paying_a_missed_part_by_card_closes_its_link(world):
    plan = await missed(world, ASK)
    (link,) = links_of(world, plan)
    await world.call("PayInstalment", plan_id=plan.id, number=2, key="pay")
    await work(world)
    assert world.paylink.closed == [(link.id, True)]


async def test_settlement_closes_links_before_it_charges(world):
    plan = await missed(world, ASK)
    (link,) = links_of(world, plan)
    order = []
    world.payments.before["CreatePayment"] = lambda: order.append(list(world.paylink.closed))
    after = (await world.call("SettleInstalmentPlan", plan_id=plan.id, key="settle")).plan
    assert after.state == after.STATE_COMPLETED
    assert order == [[(link.id, False)]]


async def test_a_plan_is_not_settled_while_a_link_is_being_paid(world):
    plan = await missed(world, ASK)
    (link,) = links_of(world, plan)
    world.paylink.paying.add(link.id)
    with pytest.raises(Refusal) as caught:
        await world.call("SettleInstalmentPlan", plan_id=plan.id, key="settle")
    assert caught.value.reason == "plan_busy"
    assert await pay(world, link)
    assert states(await world.get(plan.id)) == ["paid", "paid", "planned"]


async def test_a_plan_is_not_settled_while_paylink_is_down(world):
    plan = await missed(world, ASK)
    world.paylink.down = True
    with pytest.raises(Refusal) as caught:
        await world.call("SettleInstalmentPlan", plan_id=plan.id, key="settle")
    assert caught.value.kind is Kind.UNAVAILABLE
    assert len(taken(world, plan, 2)) == 0


async def test_a_declined_settlement_creates_a_new_link_for_the_part(world):
    plan = await missed(world, ASK)
    (old,) = links_of(world, plan)
    world.say_no(ASK)
    await world.call("SettleInstalmentPlan", plan_id=plan.id, key="settle")
    await work(world)
    assert world.paylink.closed == [(old.id, False)]
    assert len(links_of(world, plan)) == 2


async def test_withdrawal_closes_the_link(world):
    plan = await missed(world, ASK, every={"unit": "UNIT_DAY", "n": 7})
    (link,) = links_of(world, plan)
    await withdrawn(world, plan.id)
    assert world.paylink.closed == [(link.id, False)]
    assert states(await world.get(plan.id))[:3] == ["paid", "cancelled", "cancelled"]


async def test_a_withdrawal_during_a_paylink_outage_closes_the_link_later(world):
    plan = await missed(world, ASK, every={"unit": "UNIT_DAY", "n": 7})
    (link,) = links_of(world, plan)
    world.paylink.down = True
    await withdrawn(world, plan.id)
    world.paylink.down = False
    await work(world)
    assert world.paylink.closed == [(link.id, False)]


async def test_a_payment_for_a_cancelled_part_is_counted_for_the_operator(world):
    plan = await missed(world, ASK, every={"unit": "UNIT_DAY", "n": 7})
    (link,) = links_of(world, plan)
    world.paylink.down = True
    await withdrawn(world, plan.id)
    counted = AFTER_END._value.get()
    assert await pay(world, link)
    assert AFTER_END._value.get() == counted + 1
    assert states(await world.get(plan.id))[1] == "cancelled"


async def test_a_refund_of_the_price_replaces_the_link_with_one_for_less(world):
    plan = await missed(world, ASK)
    (old,) = links_of(world, plan)
    refund = {"amount_minor": 30_00, "currency": "EUR"}
    await world.call("RefundInstalmentPlan", plan_id=plan.id, amount=refund, key="refund")
    counted = AFTER_END._value.get()
    await work(world)
    assert world.paylink.closed == [(old.id, False)]
    part, new = (await world.get(plan.id)).instalments[1], links_of(world, plan)[-1]
    assert new.amount.amount_minor == part.amount_minor < old.amount.amount_minor
    assert await pay(world, old)  # the payment was on its way
    assert AFTER_END._value.get() == counted + 1
    assert states(await world.get(plan.id))[1] == "paid"


async def test_an_event_for_a_link_of_no_plan_is_accepted(world):
    link = paylink_pb2.PaymentLink(id="lnk_other")
    link.amount.currency = "EUR"
    await deliver(world, link, "pay_other")


async def test_an_event_of_another_merchant_pays_nothing(world):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    ours, world.merchant_id = world.merchant_id, "mer_other"
    with pytest.raises(Refusal):
        await deliver(world, link, "pay_other")
    world.merchant_id = ours
    context.set_current(context.Call())
    assert states(await world.get(plan.id))[1] == "missed"
