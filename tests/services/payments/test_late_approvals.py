"""A PSP approves after a no: the money goes back automatically, once, despite crashes."""

import asyncio
from datetime import timedelta

import pytest

from libs.db import UniqueViolation
from services.payments.flows.late_approvals import RECHECKS_BEFORE_A_PERSON
from services.payments.rules import retry
from services.payments.rules.domain import Payment
from services.payments.rules.outcomes import ActionRequired, Approved, DeclineCode
from services.payments.rules.states import AttemptKind, State
from tests.services.payments.conftest import World
from tests.services.payments.psp_double import AUTHORISE, CANCEL, CAPTURE, REFUND, Fault, declined
from tests.services.payments.psp_webhooks import external_notice, operation_notice
from tests.services.payments.test_flows_crashes import until_the_fault

SUBJECTS = ["payment.late_approval", "payment.late_approval_undone"]


async def refused(world: World) -> tuple[Payment, str]:
    world.a.plan(AUTHORISE, declined(DeclineCode.CARD_BLOCKED))
    payment = await world.create()
    assert payment.state is State.DECLINED
    return payment, (await world.attempts())[0]["id"]


async def given_up(world: World) -> tuple[Payment, str]:
    """The PSP did not know it when its time was over."""
    world.a.plan(AUTHORISE, Fault.NEVER_ARRIVED)
    payment = await world.create()
    too_long = retry.AUTHORISE_REPEATABLE_FOR + timedelta(minutes=1)
    world.time.ahead += too_long
    await world.recover(age=too_long)
    return payment, (await world.attempts())[0]["id"]


async def cancelled(world: World) -> tuple[Payment, str]:
    """The shopper left the challenge open."""
    world.a.plan(AUTHORISE, ActionRequired("", "https://psp.test/c"))
    payment = await world.create()
    [attempt] = await world.attempts()
    await world.rows("UPDATE payments SET psp_reference = $1", world.a.reference(attempt["id"]))
    await world.cancel(payment)
    return payment, attempt["id"]


NOS = {"declined": refused, "given up": given_up, "cancelled": cancelled}


def books(world: World) -> tuple[int, int, int]:
    """(held, captured, refunded) at the PSP."""
    charges = world.a.charges.values()
    return (
        sum(charge.held_minor for charge in charges),
        sum(charge.captured_minor for charge in charges),
        sum(charge.refunded_minor for charge in charges),
    )


async def recover_all(world: World) -> None:
    """Runs recovery until no attempt is watched any more."""
    for _ in range(12):
        await until_the_fault(world.recover())
        if not await world.rows("SELECT 1 FROM attempts WHERE next_recovery_at IS NOT NULL"):
            return
    pytest.fail("recovery goes on and on")


async def assert_undone(world: World, payment: Payment, *, captured: bool) -> None:
    after = await world.get(payment)
    assert after.state in {State.DECLINED, State.CANCELLED}
    assert (after.captured_minor, after.refunded_minor, after.refunds) == (0, 0, ())
    assert books(world) == ((0, 5990, 5990) if captured else (0, 0, 0))
    kind = REFUND if captured else CANCEL
    undoing = [row for row in await world.attempts(kind) if row["undoes"]]
    assert [row["state"] for row in undoing] == ["approved"]
    assert (await world.subjects())[-2:] == SUBJECTS


@pytest.mark.parametrize("captured", [True, False])
@pytest.mark.parametrize("no", NOS)
async def test_a_late_approval_is_refunded_or_released_once(
    world: World, no: str, *, captured: bool
):
    payment, key = await NOS[no](world)
    approved = world.a.approve_late(key, payment.id, captured=captured)
    for number in range(5):
        assert await world.notice(operation_notice(f"late {number}", key, approved))
    assert books(world) != (0, 0, 0)
    await recover_all(world)
    await assert_undone(world, payment, captured=captured)
    await world.notice(operation_notice("and again", key, approved))
    await recover_all(world)
    await assert_undone(world, payment, captured=captured)


@pytest.mark.parametrize("captured", [True, False])
@pytest.mark.parametrize("fault", Fault)
async def test_a_late_approval_is_undone_once_despite_a_fault(
    world: World, fault: Fault, *, captured: bool
):
    payment, key = await refused(world)
    approved = world.a.approve_late(key, payment.id, captured=captured)
    kind = REFUND if captured else CANCEL
    world.a.plan(kind, fault)
    await world.notice(operation_notice("late", key, approved))
    await recover_all(world)
    await world.notice(operation_notice("late again", key, approved))
    await recover_all(world)
    await assert_undone(world, payment, captured=captured)
    assert len({operation.key for operation in world.a.sent(kind)}) == 1


async def test_a_crash_before_the_undo_is_recorded_leaves_it_to_the_next_run(
    world: World,
):
    payment, key = await refused(world)
    approved = world.a.approve_late(key, payment.id, captured=True)
    await world.notice(operation_notice("late", key, approved))
    world.time.kill(at=2)  # after the look-up
    await until_the_fault(world.recover())
    assert (world.a.calls[-1][0], await world.attempts(REFUND)) == ("look_up", [])
    await recover_all(world)
    await assert_undone(world, payment, captured=True)


async def test_concurrent_recoveries_undo_a_late_approval_once(world: World):
    payment, key = await refused(world)
    approved = world.a.approve_late(key, payment.id, captured=True)
    await world.notice(operation_notice("late", key, approved))
    await asyncio.gather(*(world.recover() for _ in range(4)))
    await recover_all(world)
    await assert_undone(world, payment, captured=True)


async def test_recovery_detects_and_refunds_a_capture_of_a_cancelled_payment(world: World):
    payment, key = await cancelled(world)
    world.a.approve_late(key, payment.id, captured=True)
    await recover_all(world)
    await assert_undone(world, payment, captured=True)


async def test_a_cancelled_payment_captured_in_the_console_is_refunded(world: World):
    held = await world.hold()
    [attempt] = await world.attempts()
    await world.cancel(held)
    approved = world.a.approve_late(attempt["id"], held.id, captured=True)
    await world.notice(
        external_notice("c1", CAPTURE, held.psp_reference, approved, reference="op_1")
    )
    await recover_all(world)
    await assert_undone(world, held, captured=True)


async def test_a_late_approval_at_the_first_account_is_refunded_after_fail_over(world: World):
    world.a.plan(AUTHORISE, declined())
    paid = await world.create()
    first, _ = await world.attempts()
    approved = world.a.approve_late(first["id"], paid.id, captured=True)
    await world.notice(operation_notice("late", first["id"], approved))
    await recover_all(world)
    after = await world.get(paid)
    assert (after.state, after.psp_account, after.captured_minor) == (State.CAPTURED, "b", 5990)
    assert (after.refunded_minor, after.refunds) == (0, ())
    assert books(world) == (0, 5990, 5990)
    assert world.b.taken() == [(paid.id, 5990)]


async def test_a_late_approval_the_psp_does_not_confirm_is_not_undone(world: World):
    payment, key = await refused(world)
    await world.notice(operation_notice("late", key, Approved("a:1", 5990, captured=True)))
    await recover_all(world)
    assert (await world.get(payment)).state is State.DECLINED
    assert await world.subjects() == ["payment.declined"]


async def test_a_release_refused_because_of_a_capture_becomes_a_refund(world: World):
    payment, key = await refused(world)
    approved = world.a.approve_late(key, payment.id, captured=False)
    await world.notice(operation_notice("late", key, approved))

    async def capture_in_console(operation) -> None:
        world.a.on_call = None
        world.a.approve_late(key, payment.id, captured=True)

    world.a.on_call = capture_in_console
    world.a.plan(CANCEL, declined(DeclineCode.REQUEST_REFUSED))
    await recover_all(world)
    await assert_undone(world, payment, captured=True)
    assert (await world.subjects()).count("payment.late_approval") == 1


async def test_a_late_approval_refunded_in_the_console_is_not_refunded_again(world: World):
    payment, key = await refused(world)
    approved = world.a.approve_late(key, payment.id, captured=True)
    reference = world.a.reference(key)
    world.a.look_ups_fail = True
    await world.notice(operation_notice("late", key, approved))
    await world.recover()
    given = external_notice(
        "c1", REFUND, reference, Approved("re_c", 5990), reference="re_c", charge_key=key
    )
    await world.notice(given)
    world.a.look_ups_fail = False
    await recover_all(world)
    assert world.a.sent(REFUND) == []
    assert (await world.get(payment)).refunds == ()


async def test_a_refund_of_a_late_approval_that_fails_days_later_is_made_again(world: World):
    payment, key = await refused(world)
    approved = world.a.approve_late(key, payment.id, captured=True)
    await world.notice(operation_notice("late", key, approved))
    await recover_all(world)
    [first] = await world.attempts(REFUND)
    world.a.charges[world.a.reference(key)].refunded_minor = 0
    no = declined(DeclineCode.REQUEST_REFUSED, first["psp_reference"])
    failed = external_notice(
        "f1", REFUND, world.a.reference(key), no, reference=first["psp_reference"]
    )
    await world.notice(failed)
    await recover_all(world)
    assert books(world) == (0, 5990, 5990)
    states = [row["state"] for row in await world.attempts(REFUND)]
    assert states == ["declined", "approved"]
    assert (await world.get(payment)).state is State.DECLINED


async def test_a_late_approval_that_cannot_be_refunded_is_left_unresolved(world: World):
    _, key = await refused(world)
    [attempt] = await world.attempts()
    world.a.approve_late(key, attempt["payment_id"], captured=True)
    world.a.plan(REFUND, *[declined(DeclineCode.REQUEST_REFUSED)] * 99)
    await world.notice(operation_notice("late", key, world.a.answers[key]))
    for _ in range(RECHECKS_BEFORE_A_PERSON + 4):
        await world.recover()
    assert len(await world.attempts(REFUND)) == RECHECKS_BEFORE_A_PERSON
    [row] = await world.attempts(AUTHORISE)
    assert row["unresolved_since"] is not None
    assert (await world.subjects()).count("payment.late_approval") == 1


async def test_the_database_allows_one_open_undo_of_each_kind(world: World):
    _, key = await refused(world)
    [attempt] = await world.attempts()
    approved = world.a.approve_late(key, attempt["payment_id"], captured=True)
    world.a.plan(REFUND, Fault.LOST_ANSWER)
    await world.notice(operation_notice("late", key, approved))
    await until_the_fault(world.recover())
    [undoing] = await world.attempts(REFUND)
    assert undoing["state"] in {"started", "unknown"}
    copy = "INSERT INTO attempts SELECT (jsonb_populate_record(attempts, $1)).* FROM attempts"
    for kind, may in ((AttemptKind.REFUND, False), (AttemptKind.CANCEL, True)):
        changes = {"id": f"att_{kind.value}", "kind": kind.value}
        insert = world.rows(f"{copy} WHERE kind = 'refund'", changes)
        if may:
            await insert
        else:
            with pytest.raises(UniqueViolation):
                await insert


async def test_a_second_late_approval_is_released_again(world: World):
    payment, key = await refused(world)
    for number in range(2):
        approved = world.a.approve_late(key, payment.id, captured=False)
        await world.notice(operation_notice(f"late {number}", key, approved))
        assert books(world) == (5990, 0, 0)
        await recover_all(world)
        assert books(world) == (0, 0, 0)
    assert [row["state"] for row in await world.attempts(CANCEL)] == ["approved"] * 2
