"""Withdrawal from a plan: on day 13 and 15, the amount owed, the receipt."""

import asyncio
import base64
from dataclasses import replace

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1.payments_pb2 import Decline
from libs import ids
from libs.errors import RemoteRefusal
from services.instalments import worker
from services.instalments.rules import regimes, withdrawal
from services.instalments.store.plans import PLANS
from tests.kit.payments_double import lose_answer, once
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.test_refunding import books

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part = pb.InstalmentPlan, pb.Instalment
CREDIT = {
    "payments": 12,
    "interest_basis_points": 999,
    "upfront_fee_minor": 24_00,
    "payment_fee_minor": 50,
}
WHO = {"name": "Giulia Bianchi", "sent_to": "giulia@example.com"}


async def withdrawn(world, plan_id: str, *, confirm: bool = True, **more):
    fields = {"plan_id": plan_id, **WHO, "confirm": confirm, **more}
    return await world.call("WithdrawInstalmentPlan", **fields)


async def test_on_day_13_capital_and_interest_less_paid_costs_are_owed(world):
    """1,200.00 at 9.99 %, of which the first part was paid at once with fees of 24.50."""
    plan = await world.active(1_200_00, **CREDIT)
    await world.pass_by(days=13)
    answer = await withdrawn(world, plan.id)
    first, due, after = plan.instalments[0], answer.withdrawal, answer.plan
    assert due.capital_minor == 1_200_00 - first.principal_minor
    assert due.interest_minor == round(due.capital_minor * 0.0999 * 13 / 365)
    assert due.paid_back_minor == first.interest_minor + first.fee_minor == 24_50
    assert due.owed_minor == due.capital_minor + due.interest_minor - 24_50
    assert after.state == Plan.STATE_WITHDRAWN
    *cancelled, last = after.instalments[1:]
    assert {part.state for part in cancelled} == {Part.STATE_CANCELLED}
    assert (last.number, last.state, last.due_on) == (13, Part.STATE_PLANNED, due.repay_by)
    assert last.amount_minor == due.owed_minor == after.outstanding_minor
    assert (await world.published())[-1] == "plan.withdrawn"
    assert "Giulia" not in str(after)


async def dear(world):
    """A plan whose paid costs exceed what is left of the price."""
    days = {"unit": "UNIT_DAY", "n": 3}
    plan = await world.active(160_00, payments=5, every=days, upfront_fee_minor=36_00)
    for number in (2, 3, 4):
        await world.collected(plan.id, number)
    return plan


async def test_paid_costs_above_the_owed_amount_are_refunded(world):
    """160.00 with 36.00 upfront: after nine days 32.00 are left of the price, so 4.00 are refunded."""
    plan = await dear(world)
    answer = await withdrawn(world, plan.id)
    assert (answer.withdrawal.owed_minor, answer.withdrawal.give_back_minor) == (0, 4_00)
    first = answer.plan.instalments[0]
    assert (first.amount_minor, first.refunded_minor, first.refunding_minor) == (64_00, 4_00, 0)
    assert (await withdrawn(world, plan.id)).plan == await world.get(plan.id)
    assert books(world) == [(68_00, 4_00), (32_00, 0), (32_00, 0), (32_00, 0)]
    (refund,) = (await world.call("ListInstalmentRefunds", plan_id=plan.id)).data
    assert (refund.amount.amount_minor, refund.give_back_minor) == (0, 4_00)
    assert [one.amount.amount_minor for one in refund.repayments] == [4_00]


async def test_the_amount_owed_matches_the_withdrawal_rule(world):
    plan = await world.active(1_200_00, **CREDIT)
    await world.pass_by(days=5)
    answer = await withdrawn(world, plan.id, confirm=False)
    stored = await world.deps.db.run(PLANS.get, world.merchant_id, plan.id)
    schedule = stored.priced.schedule
    on = schedule.signed_on.fromisoformat(answer.withdrawal.noticed_on)
    wanted = withdrawal.withdraw(
        schedule,
        regimes.named(stored.priced.classification.regime),
        paid={1: schedule.signed_on},
        noticed_on=on,
        repaid_on=on,
    )
    assert answer.withdrawal.owed_minor == wanted.owed_minor
    assert answer.withdrawal.repay_by == wanted.repay_by.isoformat()


async def test_an_unconfirmed_withdrawal_changes_nothing(world):
    plan = await world.active()
    answer = await withdrawn(world, plan.id, confirm=False)
    assert (answer.plan.state, answer.withdrawal.owed_minor) == (Plan.STATE_ACTIVE, 106_67)
    assert await world.get(plan.id) == plan
    assert "plan.withdrawn" not in await world.published()


async def test_a_withdrawal_on_day_14_is_in_time_and_day_15_is_refused(world):
    plan = await world.active()
    await world.pass_by(days=14)
    assert (await withdrawn(world, plan.id, confirm=False)).withdrawal.owed_minor == 106_67
    await world.pass_by(days=1)
    for confirm in (False, True):
        with pytest.raises(RemoteRefusal) as caught:
            await withdrawn(world, plan.id, confirm=confirm)
        assert caught.value.reason == "withdrawal_too_late"
        assert "art. 26" in caught.value.facts["article"]
    assert (await world.get(plan.id)).state == Plan.STATE_ACTIVE


async def test_repeated_and_concurrent_confirmations_withdraw_once(world):
    plan = await world.active()
    one, two = await asyncio.gather(withdrawn(world, plan.id), withdrawn(world, plan.id))
    assert one.withdrawal == two.withdrawal
    await world.pass_by(days=20)
    again = await withdrawn(world, plan.id)
    assert (again.withdrawal, len(again.plan.instalments)) == (one.withdrawal, 4)
    assert (await world.published()).count("plan.withdrawn") == 1


async def test_after_a_withdrawal_only_the_final_part_is_charged(world):
    plan = await world.active()
    await withdrawn(world, plan.id)
    last = await world.collected(plan.id, 4)
    assert (last.state, last.amount_minor) == (Part.STATE_PAID, 106_67)
    assert (await world.get(plan.id)).state == Plan.STATE_COMPLETED
    assert [each.amount.amount_minor for each in world.payments.books.values()] == [53_33, 106_67]


async def test_the_final_part_is_paid_early_without_a_rebate(world):
    plan = await world.active(1_200_00, **CREDIT)
    owed = (await withdrawn(world, plan.id)).withdrawal.owed_minor
    settled = world.call("GetInstalmentSettlement", plan_id=plan.id)
    assert await refusal(settled) == "plan_not_active"
    paid = await world.call("PayInstalment", plan_id=plan.id, number=13, key="last")
    assert paid.plan.state == Plan.STATE_COMPLETED
    assert world.payments.calls["CreatePayment"][-1].amount.amount_minor == owed


async def test_a_missed_final_part_has_no_late_fee(world):
    plan = await world.active(1_200_00, **CREDIT, late_fee_minor=5_00, late_fees_most_minor=10_00)
    await withdrawn(world, plan.id)
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    assert (await world.collected(plan.id, 13)).state == Part.STATE_MISSED
    await world.pass_by(days=100)
    await world.collect()
    after = await world.get(plan.id)
    assert (after.state, after.instalments[12].late_fee_minor) == (Plan.STATE_WITHDRAWN, 0)


async def test_a_part_paid_early_counts_for_the_amount_paid(world):
    plan = await world.active(1_200_00, **CREDIT)
    paid = (await world.call("PayInstalment", plan_id=plan.id, number=5, key="early")).plan
    due = (await withdrawn(world, plan.id)).withdrawal
    assert paid.paid_minor + due.owed_minor == 1_200_00 + due.interest_minor


async def test_the_withdrawal_receipt_is_stored_once(world):
    plan = await world.active()
    asked = {"plan_id": plan.id, "kind": "KIND_RECEIPT"}
    assert await refusal(world.call("GetInstalmentDocument", **asked)) == "not_withdrawn"
    await withdrawn(world, plan.id)
    async with world.deps.db.connection() as conn:
        kept = await conn.fetchval(
            "SELECT count(*) FROM documents WHERE merchant_id = $1 AND kind = 'receipt'",
            world.merchant_id,
        )
    assert kept == 1
    document = (await world.call("GetInstalmentDocument", **asked)).document
    assert base64.b64decode(document.content).startswith(b"%PDF")
    assert (await world.call("GetInstalmentDocument", **asked)).document == document


async def test_a_withdrawal_is_accepted_before_its_receipt_can_be_generated(world):
    plan = await world.active()
    await world.call("UpdateInstalmentSettings", creditor_address="")
    assert (await withdrawn(world, plan.id)).plan.state == Plan.STATE_WITHDRAWN
    asked = {"plan_id": plan.id, "kind": "KIND_RECEIPT"}
    assert await refusal(world.call("GetInstalmentDocument", **asked)) == "creditor_details_missing"
    await world.creditor()
    assert (await world.call("GetInstalmentDocument", **asked)).document.sha256


async def test_a_withdrawal_is_refused_while_a_part_is_being_charged(world):
    plan = await world.active()
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.call("PayInstalment", plan_id=plan.id, number=3, key="part")
    assert await refusal(withdrawn(world, plan.id)) == "plan_busy"
    await worker.collection_worker(world.deps).run_once()
    assert (await withdrawn(world, plan.id)).withdrawal.owed_minor == 53_33


async def test_an_unsigned_plan_or_one_of_another_merchant_is_not_withdrawn_from(world):
    plan = await world.plan()
    assert await refusal(withdrawn(world, plan.id)) == "plan_not_active"
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(withdrawn(stranger, plan.id)) == "plan_not_found"


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("sent_to", ""), ("sent_to", "giulia"), ("name", "x" * 201)]
)
async def test_a_notice_without_a_valid_name_and_address_is_refused(world, field, value):
    plan = await world.active()
    with pytest.raises(RemoteRefusal) as caught:
        await withdrawn(world, plan.id, **{field: value})
    assert (caught.value.reason, caught.value.violations[0].field) == ("invalid_argument", field)
    assert (await world.get(plan.id)).state == Plan.STATE_ACTIVE
