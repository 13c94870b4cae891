"""Parts are charged on their due dates: each class of decline, missed parts, and what others see."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from incasso.instalments.v1 import events_pb2
from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import clock, wire
from libs.errors import Kind
from services.instalments import worker
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.instalments.test_crashes import happens

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part, Decline = pb.InstalmentPlan, pb.Instalment, payments_pb2.Decline
ROME = ZoneInfo("Europe/Rome")


def days_of(part: pb.Instalment) -> float:
    """Days from its due date to its next charge."""
    due_on = datetime.combine(datetime.fromisoformat(part.due_on), time(10), ROME)
    return (wire.time_of(part.due_at).astimezone(ROME) - due_on).days


async def test_a_part_is_charged_on_its_due_date_and_not_before(world):
    plan = await world.active()
    part = plan.instalments[1]
    due_at = wire.time_of(part.due_at).astimezone(ROME)
    assert (due_at.date().isoformat(), due_at.time()) == (part.due_on, time(10))
    await world.until(wire.timestamp(due_at - timedelta(minutes=2)))
    await world.collect()
    assert (await world.get(plan.id)).instalments[1].state == Part.STATE_PLANNED
    part = await world.collected(plan.id, 2)
    assert part.state == Part.STATE_PAID
    assert not part.HasField("due_at")
    assert len(world.payments.books) == 2


async def test_a_later_part_is_charged_as_merchant_initiated_on_the_plans_mandate(world):
    plan = await world.active()
    await world.collected(plan.id, 2)
    asked = world.payments.calls["CreatePayment"][-1]
    assert asked.initiator == payments_pb2.INITIATOR_MERCHANT
    assert (asked.mandate_reference, asked.order_part) == (plan.id, "instalment:2")
    assert asked.instrument.instrument_id == "ins_good"
    assert not asked.return_url
    assert not asked.velocity_subjects
    assert not asked.HasField("sca_history")


async def test_twelve_monthly_parts_are_charged_on_their_dates_and_complete_the_plan(world):
    plan = await world.active(1_200_00, payments=12, interest_basis_points=999)
    for number in range(2, 13):
        part = await world.collected(plan.id, number)
        due_on = datetime.fromisoformat(part.due_on).date()
        assert part.state == Part.STATE_PAID
        assert wire.time_of(part.paid_at).astimezone(ROME).date() == due_on
    after = await world.get(plan.id)
    assert (after.state, after.outstanding_minor) == (Plan.STATE_COMPLETED, 0)
    charged = sum(payment.amount.amount_minor for payment in world.payments.books.values())
    assert charged == after.paid_minor == plan.offer.total.amount_minor
    assert len(world.payments.books) == 12
    signing = ["plan.created", "plan.accepted", "instalment.paid", "plan.activated"]
    assert await world.published() == [*signing, *["instalment.paid"] * 11, "plan.completed"]


async def test_due_parts_of_one_merchant_are_charged_in_one_batch(world):
    plans = [await world.active() for _ in range(3)]
    await world.collected(plans[0].id, 2)
    assert world.oneclick.asked == [["ins_good"]]
    for plan in plans:
        assert (await world.get(plan.id)).instalments[1].state == Part.STATE_PAID


async def test_parts_fall_due_in_the_merchants_time_zone(world):
    await world.call("UpdateInstalmentSettings", time_zone="Pacific/Auckland")
    plan = await world.active()
    for part in plan.instalments[1:]:
        local = wire.time_of(part.due_at).astimezone(ZoneInfo("Pacific/Auckland"))
        assert (local.date().isoformat(), local.time()) == (part.due_on, time(10))


async def test_a_plan_activated_by_an_event_starts_at_the_merchants_clock(world):
    await world.pass_by(days=40)
    world.payments.state = payments_pb2.Payment.STATE_PROCESSING
    plan = await world.sign(*await world.ready())
    (payment,) = world.payments.books.values()
    payment.state = payments_pb2.Payment.STATE_CAPTURED
    await happens(world, payment)
    first, second, _ = (await world.get(plan.id)).instalments
    assert wire.time_of(first.paid_at) > clock.world_now() + timedelta(days=39)
    assert wire.time_of(second.due_at) > wire.time_of(first.paid_at) + timedelta(days=10)


async def test_insufficient_funds_are_retried_on_the_dunning_days(world):
    plan = await world.active(dunning={"retry_after": [3, 8, 15], "default_after": 60})
    world.say_no(Decline.ADVICE_LATER)
    tried = []
    for _ in range(3):
        part = await world.collected(plan.id, 2)
        assert (part.state, part.advice) == (Part.STATE_MISSED, Decline.ADVICE_LATER)
        tried.append(days_of(part))
    assert tried == [3, 8, 15]
    part = await world.collected(plan.id, 2)
    assert (part.state, part.HasField("due_at")) == (Part.STATE_MISSED, False)
    assert (await world.published()).count("instalment.missed") == 1
    assert len(world.payments.books) == 5


async def test_a_retry_that_succeeds_pays_the_part_once(world):
    plan = await world.active()
    world.say_no(Decline.ADVICE_LATER)
    await world.collected(plan.id, 2)
    world.say_yes()
    part = await world.collected(plan.id, 2)
    assert (part.state, part.HasField("advice")) == (Part.STATE_PAID, False)
    assert (await world.get(plan.id)).paid_minor == 106_66


@pytest.mark.parametrize("advice", [Decline.ADVICE_NEVER, Decline.ADVICE_ASK_SHOPPER, 0])
async def test_a_decline_that_needs_another_card_is_not_retried(world, advice):
    plan = await world.active()
    world.say_no(advice)
    part = await world.collected(plan.id, 2)
    assert (part.state, part.HasField("due_at")) == (Part.STATE_MISSED, False)
    assert part.advice == (advice or Decline.ADVICE_ASK_SHOPPER)
    await world.pass_by(days=10)
    await world.collect()
    assert len(world.payments.books) == 2


async def test_a_missed_part_does_not_stop_the_next_one(world):
    plan = await world.active()
    world.say_no(Decline.ADVICE_NEVER)
    await world.collected(plan.id, 2)
    world.say_yes()
    assert (await world.collected(plan.id, 3)).state == Part.STATE_PAID
    after = await world.get(plan.id)
    assert (after.state, after.instalments[1].state) == (Plan.STATE_ACTIVE, Part.STATE_MISSED)


async def test_a_part_whose_card_was_removed_is_missed_without_a_charge(world):
    plan = await world.active()
    world.oneclick.good.clear()
    part = await world.collected(plan.id, 2)
    assert (part.state, part.advice) == (Part.STATE_MISSED, Decline.ADVICE_ASK_SHOPPER)
    assert not part.HasField("due_at")
    assert len(world.payments.books) == 1
    assert "instalment.missed" in await world.published()


async def test_a_retry_whose_card_was_removed_waits_for_another_card(world):
    plan = await world.active()
    world.say_no(Decline.ADVICE_LATER)
    await world.collected(plan.id, 2)
    world.oneclick.good.clear()
    part = await world.collected(plan.id, 2)
    assert (part.advice, part.HasField("due_at")) == (Decline.ADVICE_ASK_SHOPPER, False)
    assert (await world.published()).count("instalment.missed") == 1


async def test_no_part_is_missed_while_oneclick_is_down(world):
    plan = await world.active()
    world.oneclick.down = True
    part = await world.collected(plan.id, 2)
    assert part.state == Part.STATE_PLANNED
    world.oneclick.down = False
    await held_no_more(world)
    assert (await world.collected(plan.id, 2)).state == Part.STATE_PAID


async def test_a_part_refused_by_payments_is_retried_the_next_day_and_not_missed(world):
    plan = await world.active()
    world.payments.before["CreatePayment"] = once(refuse(Kind.CONFLICT, "no_psp_account"))
    part = await world.collected(plan.id, 2)
    assert (part.state, days_of(part)) == (Part.STATE_PLANNED, 1)
    assert (await world.collected(plan.id, 2)).state == Part.STATE_PAID


async def test_a_lost_answer_neither_misses_a_part_nor_charges_it_again(world):
    plan = await world.active()
    world.payments.after["CreatePayment"] = once(lose_answer)
    part = await world.collected(plan.id, 2)
    assert part.state == Part.STATE_COLLECTING
    await held_no_more(world)
    await world.collect()
    await worker.collection_worker(world.deps).run_once()
    assert (await world.get(plan.id)).instalments[1].state == Part.STATE_PAID
    assert len(world.payments.books) == 2


async def held_no_more(world) -> None:
    """Lets claims of parts that a worker has not begun run out."""
    async with world.deps.db.connection() as conn:
        await conn.execute("UPDATE instalments SET held_until = '-infinity'")


LATE = {
    "grace_days": 5,
    "late_fee_minor": 5_00,
    "late_fees_most_minor": 7_00,
    "dunning": {"default_after": 20},
}


async def test_a_late_fee_is_charged_once_per_missed_part_within_its_cap(world):
    plan = await world.active(**LATE)
    world.say_no(Decline.ADVICE_NEVER)
    await world.collected(plan.id, 2)
    await world.pass_by(days=5)
    await world.collect()
    assert (await world.get(plan.id)).instalments[1].late_fee_minor == 0
    for _ in range(3):
        await world.pass_by(days=1)
        await world.collect()
        part = (await world.get(plan.id)).instalments[1]
        assert (part.late_fee_minor, part.amount_minor) == (5_00, 58_33)
    await world.collected(plan.id, 3)
    await world.pass_by(days=6)
    await world.collect()
    parts = (await world.get(plan.id)).instalments
    assert [part.late_fee_minor for part in parts] == [0, 5_00, 2_00]
    charged = await world.events("instalment.late_fee_charged", events_pb2.InstalmentLateFeeCharged)
    assert [(event.instalment.number, event.amount_minor, event.currency) for event in charged] == [
        (2, 5_00, "EUR"),
        (3, 2_00, "EUR"),
    ]
    assert {event.instalment.late_fee_minor for event in charged} == {5_00, 2_00}


async def test_a_part_that_is_missed_for_too_long_puts_the_plan_in_default(world):
    plan = await world.active(**LATE)
    world.say_no(Decline.ADVICE_NEVER)
    await world.collected(plan.id, 2)
    await world.pass_by(days=19)
    await world.collect()
    assert (await world.get(plan.id)).state == Plan.STATE_ACTIVE
    await world.pass_by(days=1)
    for _ in range(2):
        await world.collect()
        assert (await world.get(plan.id)).state == Plan.STATE_DEFAULTED
    assert (await world.published()).count("plan.defaulted") == 1
    world.say_yes()
    assert (await world.collected(plan.id, 3)).state == Part.STATE_PAID


async def test_a_plan_without_missed_parts_has_no_due_time(world):
    await world.active(**LATE)
    async with world.deps.db.connection() as conn:
        due_at = await conn.fetchval(
            "SELECT due_at FROM plans WHERE merchant_id = $1", world.merchant_id
        )
    assert due_at is None


async def test_another_merchants_clock_makes_no_part_due(world):
    plan = await world.active()
    async with world.deps.db.connection() as conn:
        await clock.follow(conn, "mer_other", int(timedelta(days=365).total_seconds()))
    await world.collect()
    assert (await world.get(plan.id)).instalments[1].state == Part.STATE_PLANNED
    assert wire.time_of(plan.instalments[1].due_at) > datetime.now(UTC)
