"""More time for a customer: dates move together, at no cost, within the agreement and the law; the customer is notified."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest

from incasso.instalments.v1 import events_pb2
from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1.payments_pb2 import Decline
from libs import ids
from libs.errors import RemoteRefusal, ServiceUnavailable
from libs.working_days import working_day
from services.instalments.flows.rescheduling import Reschedule, reschedule
from tests.kit.payments_double import lose_answer, once
from tests.services.instalments.test_partners import offered
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.test_writing_off import decisions
from tests.services.reporting.striking import Striking

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part, Message = pb.InstalmentPlan, pb.Instalment, events_pb2.PlanMessageRequested
WHY = {"reason": "Salary comes later", "decided_by": "Anna Bianchi"}


def days(plan: Plan) -> list[date]:
    return [date.fromisoformat(part.due_on) for part in plan.instalments]


def later(day: date, by: timedelta) -> date:
    return working_day(day + by, "IT")


async def moved(world, plan_id: str, to: date, number: int = 2, **more) -> Plan:
    fields = {"plan_id": plan_id, "number": number, "due_on": to.isoformat()}
    return (await world.call("RescheduleInstalmentPlan", **WHY | fields | more)).plan


async def wrong(work) -> tuple[str, str]:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    (violation,) = caught.value.violations
    return violation.field, violation.description


async def due_reminders(world) -> list[tuple[int, date]]:
    async with world.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT number, due_at FROM plan_reminders WHERE merchant_id = $1 AND kind = 'due'"
            " ORDER BY due_at",
            world.merchant_id,
        )
    return [(row["number"], row["due_at"].date()) for row in rows]


async def test_rescheduling_moves_the_next_and_later_parts_at_no_cost(world):
    plan = await world.active()
    first, second, third = days(plan)
    to = later(second, timedelta(days=8))
    after = await moved(world, plan.id, to)
    assert days(after) == [first, to, later(third, to - second)]
    assert after.outstanding_minor == plan.outstanding_minor
    await world.until(plan.instalments[1].due_at)
    await world.collect()
    assert (await world.get(plan.id)).instalments[1].state == Part.STATE_PLANNED
    assert (await world.collected(plan.id, 2)).state == Part.STATE_PAID
    assert (await world.collected(plan.id, 3)).state == Part.STATE_PAID
    assert (await world.get(plan.id)).state == Plan.STATE_COMPLETED


async def test_the_customer_is_notified_and_reminded_of_the_new_dates_only(world):
    plan = await world.active()
    before = await due_reminders(world)
    to = later(days(plan)[1], timedelta(days=8))
    after = await moved(world, plan.id, to)
    message = (await world.events("plan.message_requested", Message))[-1]
    assert (message.reason, message.due_on) == (Message.REASON_RESCHEDULED, to.isoformat())
    assert message.amount.amount_minor == after.instalments[1].amount_minor
    dates = dict(zip((2, 3), zip(days(plan)[1:], days(after)[1:], strict=True), strict=True))
    assert await due_reminders(world) == [
        (number, on + (dates[number][1] - dates[number][0])) for number, on in before
    ]


async def test_the_ledger_event_has_the_new_due_dates_and_unchanged_balances(world):
    plan = await world.active()
    after = await moved(world, plan.id, later(days(plan)[1], timedelta(days=8)))
    event = (await world.events("plan.balance_changed", events_pb2.PlanBalanceChanged))[-1]
    assert event.before == event.after
    assert [due.due_on for due in event.dues_before] == [
        each.isoformat() for each in days(plan)[1:]
    ]
    assert [due.due_on for due in event.dues_after] == [
        each.isoformat() for each in days(after)[1:]
    ]


async def test_rescheduling_to_the_same_date_again_changes_nothing(world):
    plan = await world.active()
    to = later(days(plan)[1], timedelta(days=8))
    first = await moved(world, plan.id, to)
    assert await moved(world, plan.id, to, reason="again") == first
    assert await decisions(world) == [("active", "active", 2, *WHY.values())]
    reasons = [each.reason for each in await world.events("plan.message_requested", Message)]
    assert reasons.count(Message.REASON_RESCHEDULED) == 1


async def test_only_the_next_part_moves_and_only_later_within_sixty_days(world):
    plan = await world.active(160_00, payment_fee_minor=50)  # credit, which may be long
    _, second, third = days(plan)
    day = timedelta(days=1)
    earlier = second - 7 * day
    assert (await wrong(moved(world, plan.id, earlier)))[1].startswith("must be later")
    assert (await wrong(moved(world, plan.id, third + 7 * day, 3)))[0] == "number"
    too_late = await wrong(moved(world, plan.id, second + 63 * day))
    assert too_late == ("due_on", "must be within 60 days of the agreed due date")
    once_more = await moved(world, plan.id, later(second, 30 * day))
    assert (await wrong(moved(world, plan.id, second + 63 * day)))[0] == "due_on"
    assert await world.get(plan.id) == once_more


async def test_a_deferral_is_not_rescheduled_beyond_the_legal_limit(world):
    """All is paid within 50 days of signing, the earliest day on which the goods can have arrived."""
    plan = await world.active()
    signed, second, third = days(plan)
    too_long = second + (signed + timedelta(days=53) - third)
    assert await refusal(moved(world, plan.id, too_long)) == "deferral_too_long"
    await world.call("UpdateInstalmentSettings", seller_size="SELLER_SIZE_LARGE")
    assert await refusal(moved(world, plan.id, second + timedelta(days=4))) == "deferral_too_long"
    assert await world.get(plan.id) == plan


async def test_paid_or_unknown_parts_and_busy_or_inactive_plans_are_not_rescheduled(world):
    plan = await world.active()
    to = days(plan)[1] + timedelta(days=8)
    assert await refusal(moved(world, plan.id, to, 1)) == "instalment_closed"
    assert await refusal(moved(world, plan.id, to, 4)) == "instalment_not_found"
    unsigned = await world.plan(key="another")
    assert await refusal(moved(world, unsigned.id, to)) == "plan_not_active"
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(moved(stranger, plan.id, to)) == "plan_not_found"
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.call("PayInstalment", plan_id=plan.id, number=2, key="two")
    assert await refusal(moved(world, plan.id, to)) == "plan_busy"


async def test_the_next_part_can_be_rescheduled_after_a_missed_one(world):
    plan = await world.active()
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    await world.collected(plan.id, 2)
    to = later(days(plan)[2], timedelta(days=3))
    after = await moved(world, plan.id, to, 3)
    assert days(after) == [*days(plan)[:2], to]
    assert after.instalments[1].state == Part.STATE_MISSED


async def test_a_partners_plan_is_not_rescheduled(world):
    plan = await offered(world)
    to = days(plan)[0] + timedelta(days=8)
    assert await refusal(moved(world, plan.id, to, 1)) == "plan_of_partner"


async def left(world) -> list[str]:
    """Everything stored about plans and their events."""
    tables = ("plans", "instalments", "plan_reminders", "outbox")
    async with world.deps.db.connection() as conn:
        return [
            row[0]
            for table in tables
            for row in await conn.fetch(
                f"SELECT to_jsonb(of_it)::text FROM {table} AS of_it WHERE merchant_id = $1 ORDER BY 1",
                world.merchant_id,
            )
        ]


async def test_a_crash_at_any_statement_reschedules_nothing_and_the_retry_all(world):
    plan = await world.active()
    to = later(days(plan)[1], timedelta(days=8))
    before = await left(world)
    cmd = Reschedule(plan.id, 2, to, **WHY)
    for at in count(1):
        struck = Striking(world.deps.db, at)
        world.act()
        try:
            await reschedule(replace(world.deps, db=struck), cmd)
        except ServiceUnavailable:
            assert not struck.is_over
            assert (await decisions(world), await left(world)) == ([], before)
        else:
            break
    assert at > 5
    assert days(await world.get(plan.id))[1] == to
    assert len(await decisions(world)) == 1
