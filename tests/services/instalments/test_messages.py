"""Messages to the customer of a plan: once each, with the texts that the law requires for credit."""

from datetime import date, timedelta
from typing import Any

import pytest

from incasso.instalments.v1 import events_pb2
from libs import context
from services.instalments import worker
from services.instalments.flows import erase
from tests.services.instalments.part_links import ASK, LATER, links_of, missed, pay, work
from tests.services.instalments.test_refunding import refunded
from tests.services.instalments.test_withdrawing import WHO, withdrawn
from tests.services.instalments.world import World

Requested = events_pb2.PlanMessageRequested
CREDIT = {"interest_basis_points": 999, "upfront_fee_minor": 500}


async def requested(world: World) -> list[Any]:
    """All messages requested from notify, in order."""
    async with world.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT body FROM outbox WHERE merchant_id = $1 AND subject = $2 ORDER BY event_id",
            world.merchant_id,
            "incasso.instalments.plan.message_requested",
        )
    return [Requested.FromString(row["body"]) for row in rows]


async def test_a_signed_deferral_is_notified_once_without_a_warning(world):
    plan = await world.active()
    await world.collect()
    (asked,) = await requested(world)
    assert asked.reason == Requested.REASON_SIGNED
    assert (asked.plan_id, asked.customer_id) == (plan.id, "cus_giulia")
    assert (asked.order_reference, asked.locale) == (plan.order_reference, "it")
    assert asked.label == plan.offer.label
    assert not asked.paragraphs
    assert not asked.HasField("recipient")


async def test_messages_about_credit_repeat_the_offers_warning_and_example(world):
    plan = await missed(world, ASK, **CREDIT)
    for asked in await requested(world):
        assert list(asked.paragraphs) == [plan.offer.warning, plan.offer.representative_example]
        assert asked.warning == plan.offer.warning
    assert plan.offer.warning


async def test_the_link_of_a_missed_part_of_credit_carries_warning_and_example(world):
    plan = await missed(world, ASK, **CREDIT)
    (link,) = links_of(world, plan)
    assert link.warning == plan.offer.warning
    assert link.representative_example == plan.offer.representative_example


async def test_the_link_of_a_missed_part_of_a_deferral_carries_no_warning_or_example(world):
    (link,) = links_of(world, await missed(world, ASK))
    assert not link.HasField("warning")
    assert not link.HasField("representative_example")


@pytest.mark.parametrize(
    ("advice", "reason"),
    [(LATER, Requested.REASON_MISSED), (ASK, Requested.REASON_CARD_NEEDED)],
)
async def test_a_missed_part_is_notified_once_when_its_link_exists(world, advice, reason):
    world.paylink.down = True
    plan = await missed(world, advice)
    assert len(await requested(world)) == 1
    world.paylink.down = False
    for _ in range(2):
        await work(world)
    _, asked = await requested(world)
    (link,) = links_of(world, plan)
    assert (asked.reason, asked.payment_link_id) == (reason, link.id)
    assert (asked.amount.amount_minor, asked.due_on) == (5333, plan.instalments[1].due_on)


async def test_a_completed_plan_is_notified_with_the_paid_amount(world):
    plan = await missed(world, ASK)
    await world.collected(plan.id, 3)
    (link,) = links_of(world, plan)
    await pay(world, link)
    *_, asked = await requested(world)
    assert (asked.reason, asked.amount.amount_minor) == (Requested.REASON_COMPLETED, 160_00)


async def test_a_refunded_or_written_off_plan_is_not_notified_as_completed(world):
    refunded_plan = await world.active()
    await refunded(world, refunded_plan.id, 160_00)
    given_up = await missed(world, ASK)
    why = {"reason": "Insolvent", "decided_by": "Anna Bianchi"}
    await world.call("WriteOffInstalmentPlan", plan_id=given_up.id, number=2, **why)
    await world.collected(given_up.id, 3)
    assert (await world.get(given_up.id)).state == given_up.STATE_COMPLETED
    reasons = {asked.reason for asked in await requested(world)}
    assert Requested.REASON_COMPLETED not in reasons


async def test_a_withdrawal_receipt_goes_to_the_chosen_address_until_erasure(world):
    plan = await world.active()
    for _ in range(2):
        answer = await withdrawn(world, plan.id)
    _, asked = await requested(world)
    assert (asked.reason, asked.recipient) == (Requested.REASON_WITHDRAWN, WHO["sent_to"])
    assert asked.amount.amount_minor == answer.withdrawal.owed_minor
    assert asked.due_on == answer.withdrawal.repay_by
    world.act()
    assert context.merchant_id() == world.merchant_id
    async with world.deps.db.transaction() as tx:
        await erase.erase_customer(tx, "cus_giulia")
    assert not any(one.recipient for one in await requested(world))


async def test_a_withdrawal_receipt_may_go_to_a_phone_number(world):
    plan = await world.active()
    who = {**WHO, "sent_to": "0039 333 123 45 67"}
    await world.call("WithdrawInstalmentPlan", plan_id=plan.id, confirm=True, **who)
    *_, asked = await requested(world)
    assert (asked.reason, asked.recipient) == (Requested.REASON_WITHDRAWN, "+393331234567")


async def reminded(world: World, **time: int) -> list[Any]:
    """The messages newly requested from notify after this time has passed."""
    asked = len(await requested(world))
    await world.pass_by(**time)
    for _ in range(2):
        await worker.reminder_worker(world.deps).run_once()
    return (await requested(world))[asked:]


async def test_a_part_has_one_reminder_before_it_is_due(world):
    plan = await world.active()
    assert await reminded(world, days=11) == []
    (asked,) = await reminded(world, days=2)
    assert (asked.reason, asked.due_on) == (Requested.REASON_DUE, plan.instalments[1].due_on)
    assert asked.amount.amount_minor == 5333
    assert await reminded(world, hours=1) == []


async def test_a_part_paid_early_has_no_reminder(world):
    plan = await world.active()
    await world.call("PayInstalment", plan_id=plan.id, number=2, key="pay")
    assert await reminded(world, days=13) == []


async def test_reminders_of_a_missed_part_carry_its_link_and_end_with_its_payment(world):
    plan = await missed(world, ASK)
    (link,) = links_of(world, plan)
    asked = [one for one in await reminded(world, days=2) if one.payment_link_id]
    assert [one.payment_link_id for one in asked] == [link.id]
    await pay(world, link)
    later = [one for one in await reminded(world, days=8) if one.payment_link_id]
    assert later == []


async def test_credit_has_a_reminder_of_the_right_to_withdraw(world):
    plan = await world.active(**CREDIT)
    (asked,) = await reminded(world, days=2)
    assert asked.reason == Requested.REASON_MAY_WITHDRAW
    signed_on = date.fromisoformat(plan.instalments[0].due_on)
    assert asked.due_on == (signed_on + timedelta(days=14)).isoformat()
    assert not asked.HasField("warning")
    assert (len(asked.paragraphs), asked.amount.amount_minor) == (4, 0)
    assert "Giulia" not in str(asked)


async def test_a_withdrawn_plan_has_no_reminders(world):
    plan = await world.active(**CREDIT)
    await withdrawn(world, plan.id)
    assert await reminded(world, days=20) == []


async def test_a_deferral_has_no_reminder_of_a_right_to_withdraw(world):
    await world.active()
    assert await reminded(world, days=3) == []
