"""A plan is cancelled while its payment waits for the shopper: the payment is cancelled first."""

from dataclasses import replace
from typing import Any

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind
from services.instalments import worker
from services.instalments.flows import cancelling
from tests.kit.crashing import NO_ANSWER, ProcessDied
from tests.kit.payments_double import once, refuse
from tests.services.instalments.test_crashes import happens
from tests.services.instalments.test_partners import offered, pay
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part, Payment = pb.InstalmentPlan, pb.Instalment, payments_pb2.Payment
NOT_CANCELLABLE = refuse(Kind.CONFLICT, "payment_not_cancellable")
BOTH = pytest.mark.parametrize("partner", [True, False], ids=["partner", "card"])


async def waiting(world: World, *, partner: bool = True, state: Any = None) -> str:
    """The id of a plan whose shopper is at the partner, or at the bank."""
    world.payments.state = Payment.STATE_REQUIRES_ACTION if state is None else state
    if partner:
        return (await pay(world, (await offered(world)).id)).id
    plan_id, sha256 = await world.ready()
    return (await world.sign(plan_id, sha256)).id


async def cancel(world: World, plan_id: str) -> pb.InstalmentPlan:
    return (await world.call("CancelInstalmentPlan", plan_id=plan_id)).plan


async def work(world: World) -> None:
    """Makes all collections due, and runs their worker."""
    async with world.deps.db.connection() as conn:
        await conn.execute("UPDATE collections SET due_at = now() WHERE due_at IS NOT NULL")
    await worker.collection_worker(world.deps).run_once()


def paid_meanwhile(world: World):
    def hook() -> None:
        (payment,) = world.payments.books.values()
        payment.state = Payment.STATE_CAPTURED
        NOT_CANCELLABLE()

    return hook


async def expect_cancelled(world: World, plan_id: str) -> None:
    plan = await world.get(plan_id)
    assert (plan.state, plan.instalments[0].state) == (Plan.STATE_CANCELLED, Part.STATE_PLANNED)
    assert (await world.told()).count("plan.cancelled") == 1
    (payment,) = world.payments.books.values()
    assert payment.state == Payment.STATE_CANCELLED
    assert len(set(world.payments.keys["CancelPayment"])) == 1


@BOTH
async def test_a_payment_that_waits_for_its_shopper_is_cancelled_with_its_plan(world, partner):
    plan_id = await waiting(world, partner=partner)
    assert not (await cancel(world, plan_id)).HasField("next_action")
    await expect_cancelled(world, plan_id)
    await cancel(world, plan_id)
    (payment,) = world.payments.books.values()
    await happens(world, payment)
    await expect_cancelled(world, plan_id)
    assert len(world.payments.keys["CancelPayment"]) == 1


@BOTH
async def test_what_was_paid_meanwhile_has_paid_the_plan(world, partner):
    plan_id = await waiting(world, partner=partner)
    world.payments.before["CancelPayment"] = paid_meanwhile(world)
    assert await refusal(cancel(world, plan_id)) == "plan_not_cancellable"
    plan = await world.get(plan_id)
    assert plan.state == (Plan.STATE_COMPLETED if partner else Plan.STATE_ACTIVE)
    assert plan.instalments[0].state == Part.STATE_PAID
    assert await refusal(cancel(world, plan_id)) == "plan_not_cancellable"


@BOTH
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_without_an_answer_the_plan_stays_until_the_worker_has_one(world, partner, moment):
    plan_id = await waiting(world, partner=partner)
    getattr(world.payments, moment)["CancelPayment"] = once(NO_ANSWER)
    assert await refusal(cancel(world, plan_id)) == "outcome_unknown"
    plan = await world.get(plan_id)
    assert plan.state in (Plan.STATE_OFFERED, Plan.STATE_ACCEPTED)
    assert plan.instalments[0].state == Part.STATE_COLLECTING
    await work(world)
    await expect_cancelled(world, plan_id)


async def test_without_an_answer_the_customer_may_have_paid_after_all(world):
    plan_id = await waiting(world)
    world.payments.before["CancelPayment"] = once(NO_ANSWER)
    assert await refusal(cancel(world, plan_id)) == "outcome_unknown"
    world.payments.before["CancelPayment"] = paid_meanwhile(world)
    await work(world)
    assert (await world.get(plan_id)).state == Plan.STATE_COMPLETED


async def test_money_that_is_only_held_may_be_released_still(world):
    plan_id = await waiting(world)
    world.payments.before["CancelPayment"] = NO_ANSWER
    assert await refusal(cancel(world, plan_id)) == "outcome_unknown"
    (payment,) = world.payments.books.values()
    for state, after in (
        (Payment.STATE_AUTHORISED, Plan.STATE_OFFERED),
        (Payment.STATE_CAPTURED, Plan.STATE_COMPLETED),
    ):
        payment.state = state
        await happens(world, payment)
        assert (await world.get(plan_id)).state == after


async def test_a_payment_that_cannot_be_cancelled_takes_its_plan_along_when_it_ends(world):
    plan_id = await waiting(world)
    world.payments.before["CancelPayment"] = NOT_CANCELLABLE
    assert await refusal(cancel(world, plan_id)) == "plan_not_cancellable"
    (payment,) = world.payments.books.values()
    payment.state = Payment.STATE_DECLINED
    await happens(world, payment)
    assert (await world.get(plan_id)).state == Plan.STATE_CANCELLED


async def test_a_payment_that_waits_for_nobody_is_not_cancelled(world):
    plan_id = await waiting(world, state=Payment.STATE_PROCESSING)
    assert await refusal(cancel(world, plan_id)) == "plan_not_cancellable"
    assert world.payments.keys["CancelPayment"] == []


async def test_the_challenge_of_a_later_part_ends_no_plan(world):
    plan = await world.active()
    world.payments.state = Payment.STATE_REQUIRES_ACTION
    paying = await world.call("PayInstalment", key="pay", plan_id=plan.id, number=2)
    assert paying.plan.next_action.url
    assert await refusal(cancel(world, plan.id)) == "plan_not_cancellable"
    assert world.payments.keys["CancelPayment"] == []


class Mortal:
    """Payments as seen by a process that dies around a cancellation."""

    def __init__(self, real: Any, *, asked: bool) -> None:
        self._real, self._asked = real, asked

    async def cancel_or_get(self, payment_id: str, *, key: str) -> Any:
        if self._asked:
            await self._real.cancel_or_get(payment_id, key=key)
        raise ProcessDied


@BOTH
@pytest.mark.parametrize("asked", [False, True], ids=["before the call", "after the call"])
async def test_a_process_that_dies_leaves_the_end_to_the_worker(world, partner, asked):
    plan_id = await waiting(world, partner=partner)
    world.act()
    payments: Any = Mortal(world.deps.payments, asked=asked)
    with pytest.raises(ProcessDied):
        await cancelling.cancel_plan(replace(world.deps, payments=payments), plan_id)
    await work(world)
    await expect_cancelled(world, plan_id)
