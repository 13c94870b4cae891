"""What the customer of an active plan does: pays a part early or late, replaces the card."""

from dataclasses import replace

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids
from services.instalments import worker
from services.instalments.rules.settlement import pay_early
from services.instalments.store.plans import PLANS
from tests.kit.payments_double import lose_answer, once
from tests.services.instalments.test_plans import refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part, Decline = pb.InstalmentPlan, pb.Instalment, payments_pb2.Decline


async def paid(world, plan_id: str, number: int, *, key: str = "pay", **more) -> pb.InstalmentPlan:
    return (await world.call("PayInstalment", key=key, plan_id=plan_id, number=number, **more)).plan


async def with_card(world, plan_id: str, instrument_id: str) -> pb.InstalmentPlan:
    fields = {"plan_id": plan_id, "instrument_id": instrument_id}
    return (await world.call("ReplacePlanInstrument", **fields)).plan


async def test_a_part_is_paid_before_it_is_due_and_not_charged_again(world):
    plan = await world.active()
    after = await paid(world, plan.id, 3)
    assert [part.state for part in after.instalments] == [
        Part.STATE_PAID,
        Part.STATE_PLANNED,
        Part.STATE_PAID,
    ]
    asked = world.payments.calls["CreatePayment"][-1]
    assert asked.initiator == payments_pb2.INITIATOR_CUSTOMER
    assert (asked.order_part, asked.amount.amount_minor) == ("instalment:3", 53_34)
    assert await paid(world, plan.id, 3) == after
    await world.collected(plan.id, 2)
    await world.pass_by(days=30)
    await world.collect()
    assert (await world.get(plan.id)).state == Plan.STATE_COMPLETED
    assert len(world.payments.books) == 3


async def test_paying_early_rebates_the_costs_of_the_remaining_time(world):
    plan = await world.active(
        1_200_00, payments=12, interest_basis_points=999, payment_fee_minor=50
    )
    stored = await world.deps.db.run(PLANS.get, world.merchant_id, plan.id)
    await world.pass_by(days=1)
    schedule = stored.priced.schedule
    today = schedule.signed_on.toordinal() + 1
    wanted = pay_early(schedule, 6, paid=[1], on=schedule.signed_on.fromordinal(today))
    after = await paid(world, plan.id, 6)
    part = after.instalments[5]
    assert part.rebate_minor == wanted.interest_rebate_minor + wanted.fees_rebate_minor > 0
    assert part.amount_minor == wanted.owed_minor
    assert world.payments.calls["CreatePayment"][-1].amount.amount_minor == wanted.owed_minor
    assert after.paid_minor == plan.instalments[0].amount_minor + wanted.owed_minor
    rest = after.paid_minor + after.outstanding_minor
    assert rest == plan.offer.total.amount_minor - part.rebate_minor


async def test_a_declined_early_payment_leaves_a_planned_part_unchanged(world):
    plan = await world.active(1_200_00, payments=12, interest_basis_points=999)
    world.say_no(Decline.ADVICE_NEVER)
    after = await paid(world, plan.id, 6)
    assert after.decline.advice == Decline.ADVICE_NEVER
    assert after.instalments[5] == plan.instalments[5]
    assert "instalment.missed" not in await world.published()
    world.say_yes()
    assert (await paid(world, plan.id, 6, key="again")).instalments[5].state == Part.STATE_PAID


@pytest.mark.parametrize("advice", [Decline.ADVICE_LATER, Decline.ADVICE_NEVER])
async def test_a_declined_payment_leaves_a_missed_part_unchanged(world, advice):
    plan = await world.active()
    world.say_no(advice)
    missed = await world.collected(plan.id, 2)
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    assert (await paid(world, plan.id, 2)).instalments[1] == missed


async def test_a_missed_part_is_paid_with_another_card(world):
    plan = await world.active(late_fee_minor=5_00, late_fees_most_minor=5_00, grace_days=1)
    world.say_no(Decline.ADVICE_NEVER)
    await world.collected(plan.id, 2)
    await world.pass_by(days=2)
    await world.collect()
    world.say_yes()
    world.oneclick.good.append("ins_new")
    after = await paid(world, plan.id, 2, instrument_id="ins_new")
    assert (after.instalments[1].state, after.instalments[1].amount_minor) == (
        Part.STATE_PAID,
        58_33,
    )
    assert after.instrument_id == "ins_good"
    assert world.payments.calls["CreatePayment"][-1].instrument.instrument_id == "ins_new"


async def test_a_part_being_charged_is_not_paid_again(world):
    plan = await world.active()
    world.payments.after["CreatePayment"] = once(lose_answer)
    assert (await paid(world, plan.id, 2)).instalments[1].state == Part.STATE_COLLECTING
    assert await refusal(paid(world, plan.id, 2, key="other")) == "plan_busy"
    await world.until(plan.instalments[1].due_at)
    await world.collect()
    await worker.collection_worker(world.deps).run_once()
    assert (await world.get(plan.id)).instalments[1].state == Part.STATE_PAID
    assert len(world.payments.books) == 2


async def test_a_payment_during_the_due_charge_is_refused_and_the_part_paid_once(world):
    plan = await world.active()
    world.say_no(Decline.ADVICE_LATER)
    missed = await world.collected(plan.id, 2)
    world.say_yes()
    await world.until(missed.due_at)
    world.payments.before["CreatePayment"] = once(lambda: paid_beside(world, plan.id))
    await world.collect()
    assert (await world.get(plan.id)).instalments[1].state == Part.STATE_PAID
    captured = payments_pb2.Payment.STATE_CAPTURED
    books = [payment for payment in world.payments.books.values() if payment.state == captured]
    assert len(books) == 2


async def paid_beside(world, plan_id: str) -> None:
    assert await refusal(paid(world, plan_id, 2)) == "plan_busy"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"number": 4}, "instalment_not_found"),
        ({"number": 1}, "instalment_closed"),
        ({"number": 0}, "invalid_argument"),
        ({"number": 122}, "invalid_argument"),
        ({"instrument_id": "ins_other"}, "instrument_not_found"),
        ({"instrument_id": "ins_old"}, "instrument_not_usable"),
        ({"key": ""}, "idempotency_key_missing"),
        ({"plan_id": "pln_unknown"}, "plan_not_found"),
    ],
)
async def test_an_invalid_payment_of_a_part_is_refused_and_changes_nothing(world, fields, reason):
    plan = await world.active()
    wanted = {"key": "pay", "plan_id": plan.id, "number": 2, **fields}
    assert await refusal(world.call("PayInstalment", **wanted)) == reason
    assert (await world.get(plan.id)) == plan
    assert len(world.payments.books) == 1


async def test_a_part_whose_rebate_exceeds_its_amount_is_not_paid_early(world):
    plan = await world.active(
        1_000_00, payments=3, down_payment_basis_points=5000, upfront_fee_minor=400_00
    )
    assert await refusal(paid(world, plan.id, 3)) == "nothing_to_pay"


async def test_an_inactive_plan_accepts_no_payment_and_no_other_card(world):
    plan_id, _ = await world.ready()
    assert await refusal(paid(world, plan_id, 1)) == "plan_not_active"
    assert await refusal(with_card(world, plan_id, "ins_good")) == "plan_not_active"


async def test_another_merchant_cannot_pay_a_part_or_replace_the_card(world):
    plan = await world.active()
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(paid(stranger, plan.id, 2)) == "plan_not_found"
    assert await refusal(with_card(stranger, plan.id, "ins_good")) == "plan_not_found"
    assert await world.get(plan.id) == plan


@pytest.mark.parametrize(
    "advice", [Decline.ADVICE_NEVER, Decline.ADVICE_ASK_SHOPPER, Decline.ADVICE_LATER]
)
async def test_a_replacement_card_is_charged_at_once_for_a_missed_part(world, advice):
    plan = await world.active()
    world.say_no(advice)
    await world.collected(plan.id, 2)
    world.say_yes()
    world.oneclick.good.append("ins_new")
    after = await with_card(world, plan.id, "ins_new")
    assert after.instrument_id == "ins_new"
    assert after.instalments[2].due_at == plan.instalments[2].due_at
    await world.collect()
    after = await world.get(plan.id)
    assert [part.state for part in after.instalments[1:]] == [Part.STATE_PAID, Part.STATE_PLANNED]
    assert world.payments.calls["CreatePayment"][-1].instrument.instrument_id == "ins_new"


async def test_a_card_replaced_during_a_charge_is_charged_next(world):
    plan = await world.active()
    world.say_no(Decline.ADVICE_NEVER)
    world.oneclick.good.append("ins_new")
    world.payments.before["CreatePayment"] = once(lambda: with_card(world, plan.id, "ins_new"))
    missed = await world.collected(plan.id, 2)
    assert (missed.state, missed.HasField("due_at")) == (Part.STATE_MISSED, True)
    world.say_yes()
    await world.collect()
    assert (await world.get(plan.id)).instalments[1].state == Part.STATE_PAID
    assert world.payments.calls["CreatePayment"][-1].instrument.instrument_id == "ins_new"


@pytest.mark.parametrize(
    ("instrument_id", "reason"),
    [
        ("ins_other", "instrument_not_found"),
        ("ins_old", "instrument_not_usable"),
        ("", "invalid_argument"),
    ],
)
async def test_an_unusable_card_does_not_replace_the_current_one(world, instrument_id, reason):
    plan = await world.active()
    assert await refusal(with_card(world, plan.id, instrument_id)) == reason
    assert await world.get(plan.id) == plan
