"""A dispute of a part's payment: shown on that part, and the others continue."""

from datetime import timedelta

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import events_pb2, payments_pb2
from libs import ids
from libs.bus import Event
from libs.clock import Clock
from libs.errors import Kind
from tests.kit.payments_double import refuse
from tests.services.instalments.part_links import links_of, missed, pay
from tests.services.instalments.test_refunding import books, paid_until, refunded
from tests.services.instalments.test_refunds_elsewhere import happens, refund_of
from tests.services.instalments.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part, Dispute = pb.InstalmentPlan, pb.Instalment, payments_pb2.Dispute
OPENED, UPDATED, CLOSED = (
    events_pb2.DisputeOpened,
    events_pb2.DisputeUpdated,
    events_pb2.DisputeClosed,
)


def dispute_of(world: World, index: int = 0, **more) -> Dispute:
    """A dispute of the full amount of a payment."""
    payment = list(world.payments.books.values())[index]
    fields = {
        "id": ids.new("dis"),
        "state": Dispute.STATE_OPEN,
        "payment_id": payment.id,
        "amount_minor": payment.amount.amount_minor,
        "currency": "EUR",
        "reason": "fraudulent",
    }
    return Dispute(**fields | more)


async def deliver(
    world: World, kind, dispute: Dispute, *, earlier: timedelta = timedelta()
) -> None:
    """Delivers payments' event for it, twice."""
    payment = next(p for p in world.payments.books.values() if p.id == dispute.payment_id)
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=payment.id,
        subject=f"incasso.payments.dispute.{kind.DESCRIPTOR.name.removeprefix('Dispute').lower()}",
        body=kind(payment=payment, dispute=dispute).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now() - earlier,
    )
    for _ in range(2):
        await world.deliver(event)


async def closed(world: World, dispute: Dispute, state) -> None:
    dispute.state = state
    await deliver(world, CLOSED, dispute)


async def test_an_open_dispute_is_shown_on_its_part_and_the_others_are_charged(world):
    plan = await world.active(160_00)
    await deliver(world, OPENED, dispute_of(world))
    held = await world.get(plan.id)
    assert [part.disputed_minor for part in held.instalments] == [53_33, 0, 0]
    assert (held.state, held.disputed_minor, held.paid_minor) == (Plan.STATE_ACTIVE, 53_33, 53_33)
    assert (await world.published()).count("instalment.disputed") == 1
    await paid_until(world, plan, 3)
    assert (await world.get(plan.id)).state == Plan.STATE_COMPLETED


async def test_a_won_dispute_restores_the_plan(world):
    plan = await world.active(160_00)
    dispute = dispute_of(world)
    await deliver(world, OPENED, dispute)
    await closed(world, dispute, Dispute.STATE_WON)
    assert await world.get(plan.id) == plan
    assert (await world.published()).count("instalment.disputed") == 2


async def test_a_part_lost_to_a_dispute_is_not_charged_again(world):
    plan = await world.active(160_00)
    dispute = dispute_of(world)
    await deliver(world, OPENED, dispute)
    await closed(world, dispute, Dispute.STATE_LOST)
    first = (await world.get(plan.id)).instalments[0]
    assert (first.state, first.disputed_minor, first.lost_minor) == (Part.STATE_PAID, 0, 53_33)
    await paid_until(world, plan, 3)
    assert [taken for taken, _ in books(world)] == [53_33, 53_33, 53_34]
    assert (await world.get(plan.id)).lost_minor == 53_33


async def test_an_appeal_reopens_a_lost_dispute_and_may_win_it(world):
    plan = await world.active(160_00)
    dispute = dispute_of(world)
    await closed(world, dispute, Dispute.STATE_LOST)
    dispute.state = Dispute.STATE_OPEN
    await deliver(world, UPDATED, dispute)
    part = (await world.get(plan.id)).instalments[0]
    assert (part.disputed_minor, part.lost_minor) == (53_33, 0)
    await closed(world, dispute, Dispute.STATE_WON)
    assert await world.get(plan.id) == plan


async def test_a_dispute_takes_the_newest_amount_and_ignores_older_events(world):
    plan = await world.active(160_00)
    dispute = dispute_of(world)
    await deliver(world, OPENED, dispute)
    dispute.amount_minor = 20_00
    await deliver(world, UPDATED, dispute)
    assert (await world.get(plan.id)).disputed_minor == 20_00
    dispute.amount_minor = 53_33
    await deliver(world, OPENED, dispute, earlier=timedelta(hours=1))
    assert (await world.get(plan.id)).disputed_minor == 20_00


async def test_a_disputed_settlement_is_shown_on_all_of_its_parts(world):
    plan = await world.active(160_00)
    await world.call("SettleInstalmentPlan", plan_id=plan.id, key="settle")
    await deliver(world, OPENED, dispute_of(world, index=1))
    held = await world.get(plan.id)
    assert [part.disputed_minor for part in held.instalments] == [0, 53_33, 53_34]


async def test_a_refund_of_the_plan_excludes_a_part_lost_to_a_dispute(world):
    plan = await world.active(160_00)
    await paid_until(world, plan, 2)
    await closed(world, dispute_of(world), Dispute.STATE_LOST)
    after = await refunded(world, plan.id, 160_00)
    assert books(world) == [(53_33, 0), (53_33, 53_33)]
    assert (after.refunded_minor, after.refunding_minor, after.lost_minor) == (106_66, 0, 0)


async def test_a_lost_dispute_drops_the_refund_that_it_blocked(world):
    plan = await world.active(160_00)
    dispute = dispute_of(world)
    await deliver(world, OPENED, dispute)
    world.payments.before["RefundPayment"] = refuse(Kind.CONFLICT, "payment_disputed")
    after = await refunded(world, plan.id, 160_00)
    assert after.refunding_minor == 53_33
    await closed(world, dispute, Dispute.STATE_LOST)
    after = await world.get(plan.id)
    assert (after.refunded_minor, after.refunding_minor, after.lost_minor) == (53_33, 0, 0)


async def test_disputes_of_unknown_payments_or_other_methods_are_ignored(world):
    plan = await world.active(160_00)
    payment = next(iter(world.payments.books.values()))
    payment.method, payment.order_part = "one_click", ""
    await deliver(world, OPENED, dispute_of(world))
    payment.method, payment.id, payment.caller_key = "instalments", "pay_unknown", "unknown"
    await deliver(world, OPENED, dispute_of(world))
    assert await world.get(plan.id) == plan


async def test_a_part_paid_by_link_is_refunded_and_disputed_like_the_others(world):
    plan = await missed(world)
    (link,) = links_of(world, plan)
    assert await pay(world, link)
    await deliver(world, OPENED, dispute_of(world, index=-1))
    await happens(world, refund_of(world, 10_00, index=-1))
    part = (await world.get(plan.id)).instalments[1]
    assert (part.disputed_minor, part.refunded_minor) == (53_33, 10_00)
