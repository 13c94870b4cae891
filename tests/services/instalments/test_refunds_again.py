"""Money that a refund of a plan could not return is requested again, and never refunded twice."""

import asyncio

import pytest

from incasso.instalments.v1 import events_pb2, plans_pb2
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.errors import Kind, RemoteRefusal
from services.instalments.flows.paid_by_link import settle_part
from services.instalments.rules.links import PaidByLink
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.instalments.test_disputes import OPENED, UPDATED, closed, deliver, dispute_of
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.test_refunding import books, due, paid_until, refunded
from tests.services.instalments.test_refunds_elsewhere import happens, refund_of
from tests.services.instalments.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
Dispute, Refund, State = (
    payments_pb2.Dispute,
    payments_pb2.Refund,
    plans_pb2.InstalmentRepayment,
)
DISPUTED = refuse(Kind.CONFLICT, "payment_disputed")


async def retried(world: World, plan_id: str, *, key: str = "again"):
    return (await world.call("RetryInstalmentRefunds", plan_id=plan_id, key=key)).plan


async def repayments(world: World, plan_id: str) -> list[tuple[int, int, str]]:
    """State, amount and reason of all repayments, oldest refund first."""
    listed = (await world.call("ListInstalmentRefunds", plan_id=plan_id)).data
    return [
        (one.state, one.amount.amount_minor, one.reason)
        for refund in reversed(listed)
        for one in refund.repayments
    ]


async def refused_once(world: World, amount_minor: int = 160_00):
    """A plan of which a third was paid, and whose refund payments has refused."""
    plan = await world.active(160_00)
    world.payments.before["RefundPayment"] = DISPUTED
    await refunded(world, plan.id, amount_minor)
    world.payments.before.clear()
    return plan


async def test_a_refused_refund_is_listed_and_succeeds_when_retried(world):
    plan = await refused_once(world)
    assert await repayments(world, plan.id) == [(State.STATE_FAILED, 53_33, "payment_disputed")]
    after = await retried(world, plan.id)
    assert (after.refunded_minor, after.refunding_minor) == (53_33, 0)
    assert await retried(world, plan.id) == after
    assert books(world) == [(53_33, 53_33)]
    states = [state for state, *_ in await repayments(world, plan.id)]
    assert states == [State.STATE_FAILED, State.STATE_SUCCEEDED]
    assert await refusal(retried(world, plan.id, key="more")) == "nothing_to_give_back"


async def test_a_refund_without_an_answer_is_not_retried_by_the_merchant(world):
    plan = await refused_once(world)
    world.payments.before["RefundPayment"] = once(lose_answer)
    await retried(world, plan.id)
    assert await refusal(retried(world, plan.id, key="more")) == "nothing_to_give_back"
    await due(world)
    assert books(world) == [(53_33, 53_33)]


async def test_only_one_of_two_concurrent_retries_refunds(world):
    plan = await refused_once(world)
    asked = [retried(world, plan.id, key=key) for key in ("a", "b")]
    found = await asyncio.gather(*asked, return_exceptions=True)
    (refused,) = [each for each in found if isinstance(each, RemoteRefusal)]
    assert refused.reason == "nothing_to_give_back"
    assert books(world) == [(53_33, 53_33)]


async def test_a_refund_already_made_at_payments_is_not_retried(world):
    plan = await refused_once(world)
    await happens(world, refund_of(world, 53_33))
    assert await refusal(retried(world, plan.id)) == "nothing_to_give_back"
    assert books(world) == [(53_33, 53_33)]


async def test_a_refused_retry_can_be_retried(world):
    plan = await refused_once(world)
    world.payments.before["RefundPayment"] = DISPUTED
    assert (await retried(world, plan.id)).refunding_minor == 53_33
    world.payments.before.clear()
    assert (await retried(world, plan.id, key="later")).refunding_minor == 0
    assert (await world.published()).count("instalment.refund_failed") == 2


async def test_a_won_dispute_releases_the_refund_that_it_blocked(world):
    plan = await world.active(160_00)
    await paid_until(world, plan, 2)
    dispute = dispute_of(world)
    await deliver(world, OPENED, dispute)
    world.payments.before["RefundPayment"] = once(DISPUTED)
    await refunded(world, plan.id, 160_00)
    await closed(world, dispute, Dispute.STATE_WON)
    await due(world)
    after = await world.get(plan.id)
    assert (after.refunded_minor, after.refunding_minor) == (106_66, 0)
    assert [back for _, back in books(world)] == [53_33, 53_33]


async def test_a_won_appeal_refunds_what_the_chargeback_had_covered(world):
    """The bank had returned it, so the plan's refund did not; now the merchant has it again."""
    plan = await world.active(160_00)
    dispute = dispute_of(world)
    await closed(world, dispute, Dispute.STATE_LOST)
    after = await refunded(world, plan.id, 160_00)
    assert (after.refunded_minor, after.refunding_minor, books(world)) == (53_33, 0, [(53_33, 0)])
    dispute.state = Dispute.STATE_OPEN
    await deliver(world, UPDATED, dispute)
    held = await world.get(plan.id)
    assert (held.refunded_minor, held.refunding_minor, held.disputed_minor) == (0, 53_33, 53_33)
    await closed(world, dispute, Dispute.STATE_WON)
    await due(world)
    after = await world.get(plan.id)
    assert (after.refunded_minor, after.refunding_minor, after.lost_minor) == (53_33, 0, 0)
    assert books(world) == [(53_33, 53_33)]


async def test_a_lost_appeal_leaves_the_plan_unchanged(world):
    plan = await world.active(160_00)
    dispute = dispute_of(world)
    await closed(world, dispute, Dispute.STATE_LOST)
    await refunded(world, plan.id, 80_00)
    before = await world.get(plan.id)
    dispute.state = Dispute.STATE_OPEN
    await deliver(world, UPDATED, dispute)
    await closed(world, dispute, Dispute.STATE_LOST)
    assert await world.get(plan.id) == before


async def test_a_part_paid_by_bank_transfer_is_left_to_a_manual_refund(world):
    """A person assigned the transfer to the part's link, so there is no payment to refund."""
    plan = await world.active(160_00)
    world.act()
    paid = PaidByLink(
        plan_id=plan.id,
        number=2,
        payment_link_id=ids.new("lnk"),
        payment_id=None,
        amount_minor=53_33,
    )
    async with world.deps.db.transaction() as tx:
        await settle_part(world.deps, tx, paid)
    after = await refunded(world, plan.id, 160_00)
    assert (after.refunded_minor, after.refunding_minor) == (53_33, 53_33)
    failed = (State.STATE_FAILED, 53_33, "paid_by_bank_transfer")
    assert failed in await repayments(world, plan.id)
    (event,) = await world.events("instalment.refund_failed", events_pb2.InstalmentRefundFailed)
    assert (event.payment_id, event.reason) == ("", "paid_by_bank_transfer")
    assert await refusal(retried(world, plan.id)) == "nothing_to_give_back"
    assert books(world) == [(53_33, 53_33)]
