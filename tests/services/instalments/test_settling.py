"""Early settlement: one payment, of exactly the day's amount, ends all parts."""

import asyncio
from dataclasses import dataclass, replace
from datetime import date

import pytest
import pytest_asyncio

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.idempotency import Key
from libs.payments.due import DueRow
from services.instalments import worker
from services.instalments.deps import Deps
from services.instalments.flows import collecting, settling
from services.instalments.flows.settling import SettlePlan
from services.instalments.rules.plans import InstalmentState
from services.instalments.rules.settlement import settle
from services.instalments.rules.settling import figure
from services.instalments.store import plans as store
from services.instalments.store.plans import PLANS
from tests.kit.crash_matrix import CrashMatrix
from tests.kit.payments_double import lose_answer, once
from tests.services.instalments.test_crashes import forget_collections, happens
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part, Decline = pb.InstalmentPlan, pb.Instalment, payments_pb2.Decline
CREDIT = {
    "payments": 12,
    "interest_basis_points": 999,
    "upfront_fee_minor": 24_00,
    "payment_fee_minor": 50,
}


async def figure_of(world, plan_id: str) -> pb.InstalmentSettlement:
    return (await world.call("GetInstalmentSettlement", plan_id=plan_id)).settlement


async def settled(world, plan_id: str, *, key: str = "settle", **more) -> pb.InstalmentPlan:
    return (await world.call("SettleInstalmentPlan", key=key, plan_id=plan_id, **more)).plan


async def test_settlement_pays_all_open_parts_in_one_payment_of_the_days_amount(world):
    plan = await world.active(1_200_00, **CREDIT)
    await world.collected(plan.id, 2)
    await world.pass_by(days=10)
    stated = await figure_of(world, plan.id)
    stored = await world.deps.db.run(PLANS.get, world.merchant_id, plan.id)
    wanted = settle(stored.priced.schedule, paid=[1, 2], on=date.fromisoformat(stated.on))
    assert stated.amount.amount_minor == wanted.owed_minor
    assert (stated.interest_rebate_minor, stated.fees_rebate_minor) == (
        wanted.interest_rebate_minor,
        wanted.fees_rebate_minor,
    )
    assert list(stated.numbers) == list(range(3, 13))
    after = await settled(world, plan.id)
    assert after.state == Plan.STATE_COMPLETED
    assert {part.state for part in after.instalments} == {Part.STATE_PAID}
    payment = list(world.payments.books.values())[-1]
    assert payment.amount.amount_minor == wanted.owed_minor
    assert {part.payment_id for part in after.instalments[2:]} == {payment.id}
    assert sum(part.amount_minor for part in after.instalments[2:]) == wanted.owed_minor
    assert min(part.amount_minor for part in after.instalments) >= 0
    assert after.outstanding_minor == 0
    assert (await world.published()).count("instalment.paid") == 12
    assert (await world.published())[-1] == "plan.completed"
    assert await settled(world, plan.id) == after
    assert await refusal(settled(world, plan.id, key="other")) == "plan_not_active"
    assert await refusal(figure_of(world, plan.id)) == "plan_not_active"
    assert len(world.payments.books) == 3


async def test_settlement_is_customer_initiated_and_named_after_its_first_part(world):
    plan = await world.active()
    await settled(world, plan.id)
    asked = world.payments.calls["CreatePayment"][-1]
    assert asked.initiator == payments_pb2.INITIATOR_CUSTOMER
    assert (asked.order_part, asked.amount.amount_minor) == ("instalment:2", 106_67)


async def test_a_plan_without_costs_is_settled_for_the_outstanding_amount(world):
    plan = await world.active()
    stated = await figure_of(world, plan.id)
    assert (stated.amount.amount_minor, stated.principal_minor) == (106_67, 106_67)
    assert (stated.interest_rebate_minor, stated.fees_rebate_minor) == (0, 0)


async def test_settlement_includes_the_late_fee_of_a_missed_part(world):
    plan = await world.active(1_200_00, **CREDIT, late_fee_minor=5_00, late_fees_most_minor=10_00)
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    await world.collected(plan.id, 2)
    await world.pass_by(days=20)
    await world.collect()
    stated = await figure_of(world, plan.id)
    assert stated.late_fees_minor == 5_00
    world.say_yes()
    after = await settled(world, plan.id)
    assert after.state == Plan.STATE_COMPLETED
    assert after.instalments[1].late_fee_minor == 5_00
    paid = sum(part.amount_minor for part in after.instalments[1:])
    assert paid == stated.amount.amount_minor


async def test_a_declined_settlement_leaves_every_part_as_it_was(world):
    plan = await world.active(1_200_00, **CREDIT)
    world.say_no(Decline.ADVICE_NEVER)
    after = await settled(world, plan.id)
    assert after.decline.advice == Decline.ADVICE_NEVER
    assert list(after.instalments) == list(plan.instalments)
    assert after.state == Plan.STATE_ACTIVE
    world.say_yes()
    assert (await settled(world, plan.id, key="again")).state == Plan.STATE_COMPLETED


async def test_during_a_settlement_no_part_is_charged_and_other_payments_are_refused(world):
    plan = await world.active()
    world.payments.after["CreatePayment"] = once(lose_answer)
    under_way = await settled(world, plan.id)
    assert {part.state for part in under_way.instalments[1:]} == {Part.STATE_COLLECTING}
    assert await refusal(settled(world, plan.id, key="other")) == "plan_busy"
    paid = world.call("PayInstalment", plan_id=plan.id, number=3, key="part")
    assert await refusal(paid) == "plan_busy"
    await world.pass_by(days=40)
    await world.collect()
    await worker.collection_worker(world.deps).run_once()
    assert (await world.get(plan.id)).state == Plan.STATE_COMPLETED
    assert len(world.payments.books) == 2


async def test_a_plan_is_not_settled_while_a_part_is_being_charged(world):
    plan = await world.active()
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.call("PayInstalment", plan_id=plan.id, number=3, key="part")
    assert await refusal(settled(world, plan.id)) == "plan_busy"
    await worker.collection_worker(world.deps).run_once()
    after = await settled(world, plan.id, key="after")
    assert (after.state, len(world.payments.books)) == (Plan.STATE_COMPLETED, 3)


async def test_concurrent_settlements_and_a_payment_charge_the_price_once(world):
    plan = await world.active()
    await asyncio.gather(
        settled(world, plan.id, key="one"),
        settled(world, plan.id, key="two"),
        world.call("PayInstalment", plan_id=plan.id, number=2, key="part"),
        return_exceptions=True,
    )
    after = await world.get(plan.id)
    if after.state != Plan.STATE_COMPLETED:  # the part came first, and both found it under way
        after = await settled(world, plan.id, key="rest")
    taken = sum(payment.amount.amount_minor for payment in world.payments.books.values())
    assert (after.state, taken) == (Plan.STATE_COMPLETED, 160_00)


@pytest.mark.parametrize(
    ("instrument_id", "reason"),
    [("ins_other", "instrument_not_found"), ("ins_old", "instrument_not_usable")],
)
async def test_an_unusable_card_settles_nothing(world, instrument_id, reason):
    plan = await world.active()
    assert await refusal(settled(world, plan.id, instrument_id=instrument_id)) == reason
    assert await world.get(plan.id) == plan


async def test_an_inactive_plan_is_not_settled(world):
    plan = await world.plan()
    assert await refusal(figure_of(world, plan.id)) == "plan_not_active"
    assert await refusal(settled(world, plan.id)) == "plan_not_active"


async def test_another_merchant_cannot_settle_a_plan_or_get_its_settlement(world):
    plan = await world.active()
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(figure_of(stranger, plan.id)) == "plan_not_found"
    assert await refusal(settled(stranger, plan.id)) == "plan_not_found"
    assert await refusal(settled(world, plan.id, key="")) == "idempotency_key_missing"


async def test_settlement_rebates_fees_on_the_first_day_and_nothing_on_the_last(world):
    plan = await world.active(1_200_00, **CREDIT)
    stored = await world.deps.db.run(PLANS.get, world.merchant_id, plan.id)
    parts = await world.deps.db.run(store.parts, world.merchant_id, plan.id)
    first = figure(stored, parts, stored.activated_at)
    assert first.amount.amount_minor < first.principal_minor  # paid fees are refunded
    last = [replace(part, state=InstalmentState.PAID) for part in parts[:-1]] + [parts[-1]]
    on_the_day = figure(stored, last, parts[-1].due_at)
    assert on_the_day.amount.amount_minor == parts[-1].amount_minor
    assert on_the_day.rebate_minor == 0


@dataclass
class Settlement:
    """All parts of a plan except the first, which is paid."""

    world: World
    plan_id: str
    table: str = "collections"
    rpc: str = "CreatePayment"

    async def pay(self, deps: Deps) -> None:
        key = Key(self.world.merchant_id, "SettleInstalmentPlan", "settle-1", b"hash")
        await settling.settle_plan(deps, SettlePlan(self.plan_id, None), key)

    def worker(self, deps: Deps):
        return worker.collection_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await collecting.settle_due(deps, row)

    async def deliver(self, payment) -> None:
        await happens(self.world, payment)

    async def state(self) -> str:
        plan = await self.world.get(self.plan_id)
        (state,) = {part.state for part in plan.instalments[1:]}
        assert (state == Part.STATE_PAID) == (plan.state == Plan.STATE_COMPLETED)
        if state == Part.STATE_PAID:
            return "paid"
        return "open" if state == Part.STATE_PLANNED else "under way"


class TestSettlements(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> Settlement:
        plan = await world.active()
        await forget_collections(world)
        return Settlement(world, plan.id)
