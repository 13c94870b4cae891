"""Late approvals that were partly refunded in the PSP's console, reported in any order."""

import pytest

from services.payments.rules.states import State
from tests.services.payments.conftest import World
from tests.services.payments.psp_console import Console
from tests.services.payments.psp_double import REFUND
from tests.services.payments.psp_webhooks import operation_notice
from tests.services.payments.test_flows_crashes import until_the_fault
from tests.services.payments.test_late_approvals import books, recover_all, refused


async def assert_all_is_back(world: World) -> None:
    await recover_all(world)
    assert books(world) == (0, 5990, 5990)


async def undone(world: World) -> list[int]:
    ours = [row for row in await world.attempts(REFUND) if row["undoes"]]
    return [row["amount_minor"] for row in ours if row["state"] == "approved"]


@pytest.mark.parametrize("console_first", [True, False])
async def test_a_console_refund_of_a_late_approval_that_fails_is_replaced_by_ours(
    world: World, *, console_first: bool
):
    """Whether the console's refund was reported before ours was sent, or made the PSP refuse ours."""
    payment, key = await refused(world)
    console = Console(world.a)
    world.a.has_console = True
    approved = world.a.approve_late(key, payment.id, captured=True)
    part = console.refund(world.a.reference(key), 1000)
    assert part is not None
    if console_first:
        await world.notice(part)
    await world.notice(operation_notice("late", key, approved))
    await until_the_fault(world.recover())
    if not console_first:
        await world.notice(part)
    await assert_all_is_back(world)
    await world.notice(console.fail_refund(part.operation_reference))
    assert books(world) == (0, 5990, 4990)
    await assert_all_is_back(world)
    assert await undone(world) == [4990, 1000]
    after = await world.get(payment)
    assert (after.state, after.refunds) == (State.DECLINED, ())
    assert "payment.refund_failed" not in await world.subjects()


async def test_a_console_refund_reported_before_the_cancellation_reduces_our_refund(
    world: World,
):
    """The PSP released, approved once more, and refunded in part, but reports the refund first."""
    held = await world.hold()
    console = Console(world.a)
    released = console.cancel(held.psp_reference)
    approved = console.approve_late(held.psp_reference)
    part = console.refund(held.psp_reference, 1000)
    assert part is not None
    for notice in (part, released, approved):
        await world.notice(notice)
    await assert_all_is_back(world)
    await world.notice(console.fail_refund(part.operation_reference))
    assert books(world) == (0, 5990, 4990)
    await assert_all_is_back(world)
    assert await undone(world) == [4990, 1000]
    after = await world.get(held)
    assert (after.state, after.captured_minor, after.refunded_minor) == (State.CANCELLED, 0, 0)
