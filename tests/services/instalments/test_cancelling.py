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
    assert (await world.published()).count("plan.cancelled") == 1
    (payment,) = world.payments.books.values()
    assert payment.state == Payment.STATE_CANCELLED
    assert len(set(world.payments.keys["CancelPayment"])) == 1


@BOTH
async def test_cancelling_a_plan_cancels_the_payment_that_awaits_its_shopper(world, partner):
    plan_id = await waiting(world, partner=partner)
    assert not (await cancel(world, plan_id)).HasField("next_action")
    await expect_cancelled(world, plan_id)
    await cancel(world, plan_id)
    (payment,) = world.payments.books.values()
    await happens(world, payment)
    await expect_cancelled(world, plan_id)
    assert len(world.payments.keys["CancelPayment"]) == 1


@BOTH
async def test_a_payment_captured_during_cancellation_pays_the_plan(world, partner):
    plan_id = await waiting(world, partner=partner)
    world.payments.before["CancelPayment"] = paid_meanwhile(world)
    assert await refusal(cancel(world, plan_id)) == "plan_not_cancellable"
    plan = await world.get(plan_id)
    assert plan.state == (Plan.STATE_COMPLETED if partner else Plan.STATE_ACTIVE)
    assert plan.instalments[0].state == Part.STATE_PAID
    assert await refusal(cancel(world, plan_id)) == "plan_not_cancellable"


@BOTH
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_plan_is_cancelled_by_the_worker_after_a_lost_answer(world, partner, moment):
    plan_id = await waiting(world, partner=partner)
    getattr(world.payments, moment)["CancelPayment"] = once(NO_ANSWER)
    assert await refusal(cancel(world, plan_id)) == "outcome_unknown"
    plan = await world.get(plan_id)
    assert plan.state in (Plan.STATE_OFFERED, Plan.STATE_ACCEPTED)
    assert plan.instalments[0].state == Part.STATE_COLLECTING
    await work(world)
    await expect_cancelled(world, plan_id)


async def test_a_plan_paid_after_an_unanswered_cancellation_is_completed(world):
    plan_id = await waiting(world)
    world.payments.before["CancelPayment"] = once(NO_ANSWER)
    assert await refusal(cancel(world, plan_id)) == "outcome_unknown"
    world.payments.before["CancelPayment"] = paid_meanwhile(world)
    await work(world)
    assert (await world.get(plan_id)).state == Plan.STATE_COMPLETED


async def test_an_authorisation_does_not_pay_the_plan_but_its_capture_does(world):
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


async def test_a_plan_is_cancelled_once_its_uncancellable_payment_is_declined(world):
    plan_id = await waiting(world)
    world.payments.before["CancelPayment"] = NOT_CANCELLABLE
    assert await refusal(cancel(world, plan_id)) == "plan_not_cancellable"
    (payment,) = world.payments.books.values()
    payment.state = Payment.STATE_DECLINED
    await happens(world, payment)
    assert (await world.get(plan_id)).state == Plan.STATE_CANCELLED


async def test_a_payment_in_processing_is_not_cancelled(world):
    plan_id = await waiting(world, state=Payment.STATE_PROCESSING)
    assert await refusal(cancel(world, plan_id)) == "plan_not_cancellable"
    assert world.payments.keys["CancelPayment"] == []


async def test_a_plan_is_not_cancelled_during_the_challenge_of_a_later_part(world):
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
async def test_the_worker_completes_a_cancellation_after_a_crash(world, partner, asked):
    plan_id = await waiting(world, partner=partner)
    world.act()
    payments: Any = Mortal(world.deps.payments, asked=asked)
    with pytest.raises(ProcessDied):
        await cancelling.cancel_plan(replace(world.deps, payments=payments), plan_id)
    await work(world)
    await expect_cancelled(world, plan_id)
