"""The crash matrix: the process dies, or the answer is lost, at each step of each money movement.

Recovery finds the truth, and the PSP's books show exactly one movement.
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from services.payments import worker
from services.payments.rules import retry
from services.payments.rules.domain import RefundState
from services.payments.rules.outcomes import DeclineCode
from services.payments.rules.states import AttemptKind, CaptureMode, State
from tests.services.payments.conftest import World, key
from tests.services.payments.psp_double import (
    AUTHORISE,
    CANCEL,
    CAPTURE,
    REFUND,
    Fault,
    ProcessDied,
    declined,
)

FAULTS = list(Fault)


async def until_the_fault(work: Awaitable[object]) -> None:
    with contextlib.suppress(ProcessDied):
        await work


async def assert_settled(world: World) -> None:
    """Nothing is open, and another run changes nothing."""
    open_rows = await world.rows("SELECT 1 FROM attempts WHERE next_recovery_at IS NOT NULL")
    assert open_rows == []
    assert await world.recover() == 0


@pytest.mark.parametrize("capture", [CaptureMode.NOW, CaptureMode.MANUAL])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_charge_is_made_once(world: World, fault: Fault, capture: CaptureMode):
    world.a.plan(AUTHORISE, fault)
    await until_the_fault(world.create(capture=capture, key=key("k")))
    assert (await world.only_payment()).state is State.PROCESSING
    await world.recover()
    payment = await world.only_payment()
    wanted = State.CAPTURED if capture is CaptureMode.NOW else State.AUTHORISED
    assert payment.state is wanted
    assert world.a.taken() == [(payment.id, 5990)]
    assert world.b.taken() == []
    assert len(await world.subjects()) == 1
    await assert_settled(world)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_capture_is_made_once(world: World, fault: Fault):
    held = await world.hold()
    world.a.plan(CAPTURE, fault)
    await until_the_fault(world.capture(held, 5000))
    assert (await world.get(held)).capturing_minor == 5000
    await world.recover()
    payment = await world.get(held)
    assert (payment.state, payment.captured_minor, payment.capturing_minor) == (
        State.CAPTURED,
        5000,
        0,
    )
    assert world.a.taken() == [(payment.id, 5000)]
    assert (await world.subjects())[1:] == ["payment.captured"]
    await assert_settled(world)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_cancellation_is_made_once(world: World, fault: Fault):
    held = await world.hold()
    world.a.plan(CANCEL, fault)
    await until_the_fault(world.cancel(held))
    await world.recover()
    assert (await world.get(held)).state is State.CANCELLED
    assert world.a.taken() == []
    assert (await world.subjects())[1:] == ["payment.cancelled"]
    await assert_settled(world)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_refund_is_made_once(world: World, fault: Fault):
    paid = await world.create()
    world.a.plan(REFUND, fault)
    await until_the_fault(world.refund(paid, 1000))
    before = await world.get(paid)
    assert (before.refunding_minor, before.refunds[0].state) == (1000, RefundState.PROCESSING)
    await world.recover()
    payment = await world.get(paid)
    assert (payment.state, payment.refunded_minor) == (State.PARTIALLY_REFUNDED, 1000)
    assert payment.refunds[0].state is RefundState.SUCCEEDED
    [charge] = world.a.charges.values()
    assert charge.refunded_minor == 1000
    assert (await world.subjects())[1:] == ["payment.refunded"]
    await assert_settled(world)


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_interrupted_fail_over_resumes_and_charges_once(world: World, fault: Fault):
    world.a.plan(AUTHORISE, declined(DeclineCode.DO_NOT_HONOR))
    world.b.plan(AUTHORISE, fault)
    await until_the_fault(world.create())
    await world.recover()
    payment = await world.only_payment()
    assert (payment.state, payment.psp_account) == (State.CAPTURED, "b")
    assert world.a.taken() == []
    assert world.b.taken() == [(payment.id, 5990)]


async def test_recovery_fails_over_after_a_retriable_decline(world: World):
    world.a.plan(AUTHORISE, Fault.DIES_BEFORE, declined(DeclineCode.DO_NOT_HONOR))
    await until_the_fault(world.create())
    await world.recover()
    payment = await world.only_payment()
    assert (payment.state, payment.psp_account) == (State.CAPTURED, "b")


async def test_a_repeat_after_a_crash_returns_the_captured_payment(world: World):
    world.a.plan(AUTHORISE, Fault.DIES_DURING)
    await until_the_fault(world.create(key=key("k")))
    await world.recover()
    await world.rows("UPDATE idempotency_keys SET locked_until = now()")
    payment = await world.create(key=key("k"))
    assert (payment.state, world.a.taken()) == (State.CAPTURED, [(payment.id, 5990)])


async def test_concurrent_workers_recover_an_attempt_once(world: World):
    world.a.plan(AUTHORISE, Fault.NEVER_ARRIVED)
    await world.create()
    await world.rows("UPDATE attempts SET next_recovery_at = now()")
    first, second = worker.recovery(world.deps), worker.recovery(world.deps)
    assert sorted(await asyncio.gather(first.run_once(), second.run_once())) == [0, 1]
    assert len(world.a.sent(AUTHORISE)) == 2, "the first call and one repeat"


async def test_an_unanswered_look_up_is_retried_with_exponential_back_off(world: World):
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    payment = await world.create()
    world.a.look_ups_fail = True
    pauses = []
    for _ in range(4):
        await world.recover()
        [row] = await world.rows("SELECT next_recovery_at - now() AS pause FROM attempts")
        pauses.append(round(row["pause"].total_seconds()))
    assert pauses == [5, 10, 20, 40]
    assert (await world.get(payment)).state is State.PROCESSING
    world.a.look_ups_fail = False
    await world.recover()
    assert (await world.get(payment)).state is State.CAPTURED


async def test_an_attempt_unknown_after_a_day_is_marked_unresolved_and_still_looked_up(
    world: World,
):
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    payment = await world.create()
    world.a.look_ups_fail = True
    await world.recover(age=timedelta(hours=25))
    [row] = await world.attempts()
    assert row["unresolved_since"] is not None
    world.a.look_ups_fail = False
    await world.recover()
    [row] = await world.attempts()
    assert row["unresolved_since"] is None
    assert (await world.get(payment)).state is State.CAPTURED


async def test_a_lost_charge_too_old_to_repeat_is_declined(world: World):
    world.a.plan(AUTHORISE, Fault.NEVER_ARRIVED)
    payment = await world.create()
    too_long = retry.AUTHORISE_REPEATABLE_FOR + timedelta(minutes=1)
    world.time.ahead += too_long
    await world.recover(age=too_long)
    payment = await world.get(payment)
    assert payment.state is State.DECLINED
    assert payment.decline is not None
    assert payment.decline.code is DeclineCode.PSP_UNAVAILABLE
    assert (world.a.taken(), world.b.taken()) == ([], []), "nor anywhere else"


async def test_an_old_refund_the_psp_does_not_know_is_left_unresolved(world: World):
    paid = await world.create()
    world.a.plan(REFUND, Fault.NEVER_ARRIVED)
    await world.refund(paid, 1000)
    await world.recover(age=timedelta(hours=25))
    assert len(world.a.sent(REFUND)) == 1
    [attempt] = await world.attempts(AttemptKind.REFUND)
    assert attempt["unresolved_since"] is not None


async def test_recovery_skips_an_attempt_still_under_way(world: World):
    world.a.plan(AUTHORISE, Fault.DIES_BEFORE)
    await until_the_fault(world.create())
    assert await worker.recovery(world.deps).run_once() == 0, "its time is not over"
