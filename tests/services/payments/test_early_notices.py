"""Notices about a charge whose own answer was lost, before recovery knows the charge's reference."""

import time

import pytest

from services.payments.connectors.base import DisputeNotice, OperationNotice
from services.payments.errors import ChargeNotKnownYet
from services.payments.rules.domain import Payment
from services.payments.rules.outcomes import Approved
from services.payments.rules.states import DisputeState, State
from tests.services.payments.conftest import World
from tests.services.payments.psp_double import AUTHORISE, CAPTURE, REFUND, Fault, ProcessDied
from tests.services.payments.psp_webhooks import dispute, external_notice, operation_notice

HOUR = 3600.0
NOBODYS = "b:somebody else's"  # a charge on the same account that is not ours


async def lost(world: World) -> Payment:
    """The PSP charged, and we do not know under which reference."""
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    payment = await world.create()
    assert (payment.state, payment.psp_reference) == (State.PROCESSING, "")
    return payment


async def reference(world: World) -> str:
    [attempt] = await world.attempts(AUTHORISE)
    return world.a.reference(attempt["id"])


def refund(charge: str, *, at: float | None = None, **keys: str) -> OperationNotice:
    done = Approved("re_console", 1000)
    told_at = time.time() if at is None else at
    return external_notice("e1", REFUND, charge, done, reference="re_console", at=told_at, **keys)


def opened(charge: str) -> DisputeNotice:
    return dispute("e1", charge, DisputeState.OPEN, at=time.time())


async def stored(world: World) -> int:
    return len(await world.rows("SELECT FROM psp_events"))


async def test_a_refund_in_the_console_waits_until_the_charge_is_known(world: World):
    payment = await lost(world)
    notice = refund(await reference(world))
    for _ in range(2):
        with pytest.raises(ChargeNotKnownYet):
            await world.notice(notice)
    assert await stored(world) == 0
    assert await world.recover() == 1
    assert [await world.notice(notice) for _ in range(2)] == [True, False]
    after = await world.get(payment)
    assert (after.state, after.refunded_minor) == (State.PARTIALLY_REFUNDED, 1000)


async def test_a_dispute_waits_until_the_charge_is_known(world: World):
    payment = await lost(world)
    notice = opened(await reference(world))
    with pytest.raises(ChargeNotKnownYet):
        await world.notice(notice)
    assert await world.recover() == 1
    assert [await world.notice(notice) for _ in range(2)] == [True, False]
    [found] = (await world.get(payment)).disputes
    assert found.state is DisputeState.OPEN


async def test_a_notice_waits_for_a_charge_whose_process_died(world: World):
    world.a.plan(AUTHORISE, Fault.DIES_DURING)
    with pytest.raises(ProcessDied):
        await world.create()
    with pytest.raises(ChargeNotKnownYet):
        await world.notice(refund(await reference(world)))


async def test_a_notice_for_a_foreign_charge_is_accepted_when_none_of_ours_is_open(world: World):
    await world.create()
    assert await world.notice(refund(NOBODYS))


async def test_a_notice_older_than_every_open_charge_is_accepted(world: World):
    await lost(world)
    assert await world.notice(refund(NOBODYS, at=time.time() - HOUR))


async def test_a_notice_more_than_a_day_old_is_no_longer_refused(world: World):
    """An unresolved charge is left to a person; the PSP would soon stop resending."""
    await lost(world)
    await world.rows("UPDATE attempts SET started_at = started_at - interval '3 days'")
    with pytest.raises(ChargeNotKnownYet):
        await world.notice(refund(NOBODYS, at=time.time() - 23 * HOUR))
    assert await world.notice(refund(NOBODYS, at=time.time() - 25 * HOUR))


async def test_a_notice_does_not_wait_for_a_charge_at_another_account(world: World):
    await lost(world)
    assert await world.notice(refund(NOBODYS), account="b")


@pytest.mark.parametrize(
    "notice",
    [
        refund(NOBODYS, key="ref_nobody"),
        refund(NOBODYS, charge_key="att_nobody"),
        operation_notice("e1", "", Approved(NOBODYS, 5990, captured=True)),
        external_notice("e1", CAPTURE, NOBODYS, Approved("op_1", 5990), at=time.time()),
    ],
    ids=["key of another", "charge's key of another", "a charge itself", "a capture by its charge"],
)
async def test_a_notice_that_is_evidently_not_ours_does_not_wait(
    world: World, notice: OperationNotice
):
    """Our charges carry our key: one without it, or with an unknown one, is not ours."""
    await lost(world)
    assert await world.notice(notice)
