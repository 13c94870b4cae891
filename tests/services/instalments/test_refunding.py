"""A refund of a plan: overpaid money is refunded, and the remaining parts are recomputed."""

import asyncio
from dataclasses import replace

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.errors import Kind, RemoteRefusal
from services.instalments import worker
from services.instalments.flows import erase
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part, Refund = pb.InstalmentPlan, pb.Instalment, payments_pb2.Refund
CREDIT = {"payments": 3, "upfront_fee_minor": 3_00, "payment_fee_minor": 3_00}


async def refunded(world: World, plan_id: str, amount_minor: int, *, key: str = "r", **more):
    fields = {"plan_id": plan_id, "amount": {"amount_minor": amount_minor, "currency": "EUR"}}
    return (await world.call("RefundInstalmentPlan", key=key, **fields | more)).plan


def amounts(plan: pb.InstalmentPlan) -> list[int]:
    return [part.amount_minor for part in plan.instalments]


def books(world: World) -> list[tuple[int, int]]:
    """The amount of each payment, and how much of it was refunded."""
    return [(p.amount.amount_minor, p.refunded_minor) for p in world.payments.books.values()]


async def paid_until(world: World, plan: pb.InstalmentPlan, number: int) -> None:
    for each in range(2, number + 1):
        await world.collected(plan.id, each)


@pytest.mark.parametrize(
    ("until", "backs"), [(1, [35_33]), (2, [35_33, 34_34]), (3, [35_33, 34_34, 34_33])]
)
async def test_refunding_a_third_returns_it_from_each_payment_and_lowers_the_rest(
    world, until, backs
):
    """300.00 with 3.00 upfront and 3.00 with each payment; 200.00 are kept: computed by hand."""
    plan = await world.active(300_00, **CREDIT)
    await paid_until(world, plan, until)
    after = await refunded(world, plan.id, 100_00)
    assert amounts(after) == [70_67, 68_66, 68_67]
    assert [back for _, back in books(world)] == backs
    assert [part.refunded_minor for part in after.instalments[:until]] == backs
    assert (after.price_refunded_minor, after.refunded_minor) == (100_00, sum(backs))
    assert after.refunding_minor == 0
    assert after.paid_minor + after.outstanding_minor == 208_00
    assert after.state == (Plan.STATE_COMPLETED if until == 3 else Plan.STATE_ACTIVE)


async def test_remaining_parts_are_charged_as_recomputed_by_the_refund(world):
    plan = await world.active(300_00, **CREDIT)
    await refunded(world, plan.id, 100_00)
    await paid_until(world, plan, 3)
    assert books(world) == [(106_00, 35_33), (68_66, 0), (68_67, 0)]
    assert (await world.get(plan.id)).state == Plan.STATE_COMPLETED


async def test_a_full_refund_returns_all_payments_and_cancels_the_rest(world):
    plan = await world.active(300_00, **CREDIT)
    await paid_until(world, plan, 2)
    after = await refunded(world, plan.id, 300_00)
    assert after.state == Plan.STATE_COMPLETED
    assert [part.state for part in after.instalments] == [
        Part.STATE_PAID, Part.STATE_PAID, Part.STATE_CANCELLED,
    ]  # fmt: skip
    assert books(world) == [(106_00, 106_00), (103_00, 103_00)]
    await world.pass_by(days=200)
    await world.collect()
    assert len(world.payments.books) == 2
    assert await refusal(refunded(world, plan.id, 1, key="more")) == "plan_refunded"


async def test_a_part_reduced_to_zero_is_cancelled_and_the_plan_completes(world):
    """0.02 are left for three parts: the one reduced to zero is cancelled, the others are charged."""
    plan = await world.active(160_00)
    after = await refunded(world, plan.id, 159_98)
    assert amounts(after) == [1, 0, 1]
    assert after.instalments[1].state == Part.STATE_CANCELLED
    last = await world.collected(plan.id, 3)
    assert (last.state, last.amount_minor) == (Part.STATE_PAID, 1)
    assert (await world.get(plan.id)).state == Plan.STATE_COMPLETED


async def test_refunding_a_settled_plan_makes_one_refund_per_payment(world):
    plan = await world.active(160_00)
    await world.call("SettleInstalmentPlan", plan_id=plan.id, key="settle")
    after = await refunded(world, plan.id, 80_00)
    assert books(world) == [(53_33, 26_66), (106_67, 53_34)]
    assert (after.refunded_minor, after.paid_minor) == (80_00, 80_00)
    assert len(world.payments.keys["RefundPayment"]) == 2


async def test_refunding_half_halves_the_rebate_of_a_part_paid_early(world):
    plan = await world.active(300_00, **CREDIT)
    paid = (await world.call("PayInstalment", plan_id=plan.id, number=3, key="early")).plan
    after = await refunded(world, plan.id, 150_00)
    early, kept = paid.instalments[2], after.instalments[2]
    assert early.rebate_minor > 0
    assert kept.amount_minor + kept.refunded_minor == early.amount_minor
    assert early.rebate_minor / 2 <= kept.rebate_minor <= early.rebate_minor / 2 + 1


async def test_settlement_after_a_refund_covers_the_outstanding_amount(world):
    plan = await world.active(160_00)
    after = await refunded(world, plan.id, 60_00)
    figure = (await world.call("GetInstalmentSettlement", plan_id=plan.id)).settlement
    assert figure.amount.amount_minor == after.outstanding_minor == 66_67


async def test_a_withdrawal_after_a_refund_owes_the_rest_and_later_refunds_lower_it(world):
    plan = await world.active(160_00)
    await refunded(world, plan.id, 80_00)
    who = {"name": "Giulia Bianchi", "sent_to": "giulia@example.com", "confirm": True}
    owed = await world.call("WithdrawInstalmentPlan", plan_id=plan.id, **who)
    assert owed.withdrawal.owed_minor == 53_33
    after = await refunded(world, plan.id, 40_00, key="again")
    assert amounts(after)[3] in {26_66, 26_67}
    gone = await refunded(world, plan.id, 40_00, key="last")
    assert (gone.state, gone.outstanding_minor, gone.paid_minor) == (Plan.STATE_COMPLETED, 0, 0)
    assert books(world) == [(53_33, 53_33)]


async def test_a_refund_keeps_a_late_fee_unless_its_part_drops_to_zero(world):
    fees = {"late_fee_minor": 5_00, "late_fees_most_minor": 10_00}
    plan = await world.active(300_00, payments=3, **fees)
    world.say_no(payments_pb2.Decline.ADVICE_ASK_SHOPPER)
    await world.collected(plan.id, 2)
    await world.pass_by(days=20)
    await world.collect()
    after = await refunded(world, plan.id, 150_00)
    assert (after.instalments[1].late_fee_minor, amounts(after)[1]) == (5_00, 55_00)
    gone = (await refunded(world, plan.id, 150_00, key="rest")).instalments[1]
    assert (gone.state, gone.amount_minor) == (Part.STATE_CANCELLED, 0)


@pytest.mark.parametrize(
    ("amount", "field"),
    [
        ({"amount_minor": 0, "currency": "EUR"}, "amount.amount_minor"),
        ({"amount_minor": -1, "currency": "EUR"}, "amount.amount_minor"),
        ({"amount_minor": 160_01, "currency": "EUR"}, "amount.amount_minor"),
        ({"amount_minor": 1_00, "currency": "USD"}, "amount.currency"),
        (None, "amount"),
    ],
)
async def test_an_invalid_refund_amount_is_refused_by_field_and_changes_nothing(
    world, amount, field
):
    plan = await world.active(160_00)
    with pytest.raises(RemoteRefusal) as no:
        await world.call("RefundInstalmentPlan", plan_id=plan.id, amount=amount, key="r")
    assert [each.field for each in no.value.violations] == [field]
    assert await world.get(plan.id) == plan


async def test_a_refund_above_the_remaining_price_is_refused_with_the_remainder(world):
    plan = await world.active(160_00)
    await refunded(world, plan.id, 100_00)
    with pytest.raises(RemoteRefusal) as no:
        await refunded(world, plan.id, 60_01, key="more")
    assert "6000" in no.value.violations[0].description


async def test_the_same_key_refunds_once_and_another_body_is_refused(world):
    plan = await world.active(160_00)
    first = await refunded(world, plan.id, 60_00)
    assert await refunded(world, plan.id, 60_00) == first
    assert await refusal(refunded(world, plan.id, 61_00)) == "idempotency_key_reused"
    assert await refusal(refunded(world, plan.id, 1_00, key="")) == "idempotency_key_missing"
    listed = await world.call("ListInstalmentRefunds", plan_id=plan.id)
    assert [(each.amount.amount_minor, each.give_back_minor) for each in listed.data] == [
        (60_00, 20_00)
    ]


async def test_concurrent_refunds_are_each_made_once(world):
    plan = await world.active(160_00)
    await asyncio.gather(
        *(refunded(world, plan.id, 50_00, key=key) for key in ("one", "two", "one")),
        return_exceptions=True,
    )
    after = await world.get(plan.id)
    assert after.price_refunded_minor == 100_00
    assert after.paid_minor + after.refunded_minor == 53_33


async def test_while_a_part_is_being_charged_nothing_is_refunded(world):
    plan = await world.active(160_00)
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.call("PayInstalment", plan_id=plan.id, number=3, key="part")
    assert await refusal(refunded(world, plan.id, 1_00)) == "plan_busy"
    await worker.collection_worker(world.deps).run_once()
    assert (await refunded(world, plan.id, 1_00)).price_refunded_minor == 1_00


async def test_an_unsigned_plan_or_one_of_another_merchant_is_not_refunded(world):
    plan = await world.plan()
    assert await refusal(refunded(world, plan.id, 1_00)) == "plan_not_active"
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(refunded(stranger, plan.id, 1_00)) == "plan_not_found"
    listed = stranger.call("ListInstalmentRefunds", plan_id=plan.id)
    assert await refusal(listed) == "plan_not_found"


async def test_refunds_without_an_answer_are_retried_without_refunding_twice(world):
    """Two payments are to be refunded: one answer is lost, one call never arrives."""
    plan = await world.active(160_00)
    await paid_until(world, plan, 2)
    world.payments.after["RefundPayment"] = once(lose_answer)
    world.payments.before["RefundPayment"] = once(refuse(Kind.UNAVAILABLE, "service_unavailable"))
    after = await refunded(world, plan.id, 80_00)
    assert after.refunded_minor + after.refunding_minor == 53_33
    assert after.refunding_minor > 0
    await due(world)
    after = await world.get(plan.id)
    assert (after.refunded_minor, after.refunding_minor) == (53_33, 0)
    assert sum(back for _, back in books(world)) == 53_33
    assert (await world.published()).count("instalment.refunded") == 2


async def due(world: World) -> None:
    async with world.deps.db.connection() as conn:
        await conn.execute("UPDATE repayments SET due_at = now() WHERE due_at IS NOT NULL")
    await worker.repayment_worker(world.deps).run_once()


async def test_a_refund_in_processing_is_polled_and_not_requested_again(world):
    plan = await world.active(160_00)
    world.payments.refund_state = Refund.STATE_PROCESSING
    after = await refunded(world, plan.id, 160_00)
    assert (after.refunded_minor, after.refunding_minor) == (0, 53_33)
    await due(world)
    (refund,) = world.payments.books[next(iter(world.payments.books))].refunds
    refund.state = Refund.STATE_SUCCEEDED
    await due(world)
    assert len(world.payments.keys["RefundPayment"]) == 1
    assert (await world.get(plan.id)).refunded_minor == 53_33


async def test_erasure_removes_the_reason_of_a_refund(world):
    plan = await world.active(160_00)
    await refunded(world, plan.id, 10_00, reason="Giulia sent it back")
    listed = await world.call("ListInstalmentRefunds", plan_id=plan.id)
    assert listed.data[0].reason == "Giulia sent it back"
    world.act()
    async with world.deps.db.transaction() as tx:
        await erase.erase_customer(tx, "cus_giulia")
    listed = await world.call("ListInstalmentRefunds", plan_id=plan.id)
    assert not listed.data[0].HasField("reason")
