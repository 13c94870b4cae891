"""Writing off: a written-off part is no longer charged, and counts if it is paid after all."""

from dataclasses import replace

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1.payments_pb2 import Decline
from libs import ids
from libs.errors import RemoteRefusal
from tests.kit.payments_double import lose_answer, once
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.test_refunding import refunded

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part = pb.InstalmentPlan, pb.Instalment
WHY = {"reason": "Insolvent", "decided_by": "Anna Bianchi"}


async def written_off(world, plan_id: str, **more) -> Plan:
    return (await world.call("WriteOffInstalmentPlan", plan_id=plan_id, **WHY | more)).plan


async def missed(world) -> Plan:
    """The second part of three was missed."""
    plan = await world.active(160_00)
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    await world.collected(plan.id, 2)
    return await world.get(plan.id)


async def defaulted(world) -> Plan:
    """The second part and the third were missed, for long enough to default."""
    plan = await missed(world)
    await world.pass_by(days=120)
    await world.collect()
    await world.collect()
    plan = await world.get(plan.id)
    assert plan.state == Plan.STATE_DEFAULTED
    return plan


async def decisions(world) -> list[tuple[object, ...]]:
    async with world.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT before, after, number, reason, decided_by FROM reviews WHERE merchant_id = $1",
            world.merchant_id,
        )
    return [tuple(row.values()) for row in rows]


async def test_a_written_off_plan_owes_nothing_and_is_not_charged_again(world):
    plan = await defaulted(world)
    after = await written_off(world, plan.id)
    assert after.state == Plan.STATE_WRITTEN_OFF
    assert (after.outstanding_minor, after.written_off_minor) == (0, plan.outstanding_minor)
    assert {part.state for part in after.instalments[1:]} == {Part.STATE_WRITTEN_OFF}
    published = (await world.published())[-3:]
    assert published == ["instalment.written_off", "instalment.written_off", "plan.written_off"]
    assert await decisions(world) == [
        ("defaulted", "written_off", None, "Insolvent", "Anna Bianchi")
    ]
    charged = len(world.payments.calls["CreatePayment"])
    world.say_yes()
    await world.pass_by(days=400)
    await world.collect()
    assert len(world.payments.calls["CreatePayment"]) == charged
    assert (await world.get(plan.id)) == after


async def test_writing_off_again_changes_nothing(world):
    plan = await defaulted(world)
    first = await written_off(world, plan.id)
    assert await written_off(world, plan.id, reason="again") == first
    assert await written_off(world, plan.id, number=2) == first
    assert len(await decisions(world)) == 1
    assert (await world.published()).count("plan.written_off") == 1


async def test_writing_off_a_missed_part_leaves_the_others_active(world):
    plan = await missed(world)
    after = await written_off(world, plan.id, number=2)
    assert (after.state, after.instalments[1].state) == (Plan.STATE_ACTIVE, Part.STATE_WRITTEN_OFF)
    assert await decisions(world) == [("active", "active", 2, "Insolvent", "Anna Bianchi")]
    world.say_yes()
    await world.collected(plan.id, 3)
    done = await world.get(plan.id)
    assert (done.state, done.written_off_minor) == (Plan.STATE_COMPLETED, 53_33)


@pytest.mark.parametrize("number", [2, None])
async def test_a_written_off_part_can_still_be_paid(world, number):
    plan = await defaulted(world) if number is None else await missed(world)
    await written_off(world, plan.id, number=number)
    world.say_yes()
    paid = await world.call("PayInstalment", plan_id=plan.id, number=2, key="two")
    assert paid.plan.instalments[1].state == Part.STATE_PAID
    await world.call("PayInstalment", plan_id=plan.id, number=3, key="three")
    done = await world.get(plan.id)
    assert (done.state, done.written_off_minor) == (Plan.STATE_COMPLETED, 0)
    assert done.paid_minor == sum(part.amount_minor for part in done.instalments)


async def test_a_written_off_part_can_be_paid_after_the_plan_is_completed(world):
    plan = await missed(world)
    await written_off(world, plan.id, number=2)
    world.say_yes()
    await world.collected(plan.id, 3)
    await world.call("PayInstalment", plan_id=plan.id, number=2, key="late")
    done = await world.get(plan.id)
    assert (done.state, done.paid_minor) == (Plan.STATE_COMPLETED, 160_00)


async def test_a_declined_payment_leaves_the_part_written_off(world):
    plan = await missed(world)
    await written_off(world, plan.id, number=2)
    await world.call("PayInstalment", plan_id=plan.id, number=2, key="try")
    part = (await world.get(plan.id)).instalments[1]
    assert (part.state, part.HasField("due_at")) == (Part.STATE_WRITTEN_OFF, False)
    assert (await world.published()).count("instalment.written_off") == 1


async def test_a_refund_lowers_the_written_off_amount_and_a_full_one_completes_the_plan(world):
    plan = await defaulted(world)
    await written_off(world, plan.id)
    half = await refunded(world, plan.id, 80_00)
    assert half.written_off_minor == 53_33
    done = await refunded(world, plan.id, 80_00, key="rest")
    assert (done.state, done.written_off_minor) == (Plan.STATE_COMPLETED, 0)


async def test_a_written_off_plan_raises_concerns_about_a_new_one(world):
    plan = await defaulted(world)
    await written_off(world, plan.id)
    again = await world.plan(key="another")
    assert list(again.review.concerns) == list(
        {pb.Review.CONCERN_MISSED_PAYMENTS, pb.Review.CONCERN_DEFAULTED}
    )


async def test_parts_and_plans_that_are_not_overdue_are_not_written_off(world):
    plan = await world.active(160_00)
    assert await refusal(written_off(world, plan.id)) == "not_overdue"
    assert await refusal(written_off(world, plan.id, number=1)) == "not_overdue"
    assert await refusal(written_off(world, plan.id, number=2)) == "not_overdue"
    assert await refusal(written_off(world, plan.id, number=4)) == "instalment_not_found"
    assert await world.get(plan.id) == plan


async def test_a_part_being_charged_is_not_written_off(world):
    plan = await missed(world)
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.call("PayInstalment", plan_id=plan.id, number=2, key="two")
    assert await refusal(written_off(world, plan.id, number=2)) == "plan_busy"


async def test_another_merchant_cannot_write_off_a_plan(world):
    plan = await defaulted(world)
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(written_off(stranger, plan.id)) == "plan_not_found"


@pytest.mark.parametrize("field", ["reason", "decided_by"])
async def test_writing_off_needs_a_reason_and_a_person(world, field):
    plan = await missed(world)
    with pytest.raises(RemoteRefusal) as no:
        await written_off(world, plan.id, number=2, **{field: ""})
    assert [each.field for each in no.value.violations] == [field]
