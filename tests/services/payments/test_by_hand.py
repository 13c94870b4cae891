"""An operator settles an attempt whose outcome no PSP reports: once, recorded, with all effects."""

import asyncio
from datetime import timedelta

import pytest

from incasso.payments.v1 import payments_pb2 as pb
from libs.errors import Kind
from services.payments.errors import (
    AttemptNotFound,
    AttemptNotUnresolved,
    AttemptSettledOtherwise,
)
from services.payments.flows.by_hand import SettleAttempt, settle_attempt
from services.payments.rules.by_hand import Found
from services.payments.rules.domain import Payment, RefundState
from services.payments.rules.outcomes import DeclineCode
from services.payments.rules.states import State
from tests.services.payments.conftest import MERCHANT, World
from tests.services.payments.grpc_client import GrpcClient
from tests.services.payments.psp_double import AUTHORISE, CANCEL, CAPTURE, REFUND, Fault, declined
from tests.services.payments.psp_webhooks import operation_notice

A_DAY = timedelta(hours=25)


async def settle(
    world: World, attempt_id: str, found: Found, *, merchant_id: str = MERCHANT, **changes
) -> Payment:
    given = {
        "attempt_id": attempt_id,
        "outcome": found,
        "operator": "giulia",
        "note": "seen in the console",
        "psp_reference": "",
        **changes,
    }
    world.act(merchant_id)
    return await settle_attempt(world.deps, SettleAttempt(**given))


async def unresolved(world: World, kind) -> tuple[Payment, str]:
    """The PSP does not know it, and it is too late to repeat it."""
    payment = await (world.create() if kind is REFUND else world.hold())
    world.a.plan(kind, Fault.NEVER_ARRIVED)
    act = {CAPTURE: world.capture, CANCEL: world.cancel, REFUND: world.refund}[kind]
    await act(payment)
    await world.recover(age=A_DAY)
    [attempt] = await world.attempts(kind)
    assert attempt["unresolved_since"] is not None
    return payment, attempt["id"]


@pytest.mark.parametrize(
    ("kind", "found", "state", "event"),
    [
        (CAPTURE, Found.DONE, State.CAPTURED, "payment.captured"),
        (CAPTURE, Found.NOT_DONE, State.AUTHORISED, "payment.capture_failed"),
        (CANCEL, Found.DONE, State.CANCELLED, "payment.cancelled"),
        (CANCEL, Found.NOT_DONE, State.AUTHORISED, None),
        (REFUND, Found.DONE, State.REFUNDED, "payment.refunded"),
        (REFUND, Found.NOT_DONE, State.CAPTURED, "payment.refund_failed"),
    ],
)
async def test_the_operators_finding_settles_the_attempt_and_is_recorded(
    world: World, kind, found, state, event
):
    payment, attempt_id = await unresolved(world, kind)
    after = await settle(world, attempt_id, found)
    assert after.state is state
    assert (after.capturing_minor, after.refunding_minor) == (0, 0)
    assert await world.get(payment) == after
    assert (await world.subjects())[1:] == [*([event] if event else []), "payment.settled_by_hand"]
    assert await world.recover() == 0, "nobody asks any more"
    [action] = await world.rows("SELECT * FROM operator_actions WHERE attempt_id = $1", attempt_id)
    assert (action["outcome"], action["operator"], action["note"]) == (
        found.value,
        "giulia",
        "seen in the console",
    )


async def test_settling_an_attempt_again_or_concurrently_changes_nothing(world: World):
    payment, attempt_id = await unresolved(world, REFUND)
    await asyncio.gather(*(settle(world, attempt_id, Found.NOT_DONE) for _ in range(5)))
    assert (await settle(world, attempt_id, Found.NOT_DONE)).state is State.CAPTURED
    assert (await world.subjects()).count("payment.settled_by_hand") == 1
    with pytest.raises(AttemptSettledOtherwise):
        await settle(world, attempt_id, Found.DONE)
    assert (await world.refund(payment)).state is State.REFUNDED


async def test_only_an_unresolved_attempt_can_be_settled_by_hand(world: World):
    held = await world.hold()
    world.a.plan(CAPTURE, Fault.LOST_ANSWER)
    await world.capture(held)
    for attempt in await world.attempts():
        with pytest.raises(AttemptNotUnresolved):
            await settle(world, attempt["id"], Found.DONE)
    with pytest.raises(AttemptNotFound):
        await settle(world, "att_nobody", Found.DONE)
    [capture] = await world.attempts(CAPTURE)
    with pytest.raises(AttemptNotFound):
        await settle(world, capture["id"], Found.DONE, merchant_id="mer_2")


async def test_a_charge_with_no_outcome_from_the_psp_can_be_settled_by_hand(world: World):
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    payment = await world.create()
    world.a.look_ups_fail = True
    await world.recover(age=A_DAY)
    [attempt] = await world.attempts()
    after = await settle(world, attempt["id"], Found.DONE, psp_reference="a:1")
    assert (after.state, after.captured_minor, after.psp_reference) == (
        State.CAPTURED,
        5990,
        "a:1",
    )
    assert (await world.get(payment)).state is State.CAPTURED


async def test_a_refund_the_operator_marked_not_done_succeeds_when_the_psp_reports_it(world: World):
    payment, attempt_id = await unresolved(world, REFUND)
    await settle(world, attempt_id, Found.NOT_DONE)
    operation = world.a.sent(REFUND)[0]
    done = await world.a.refund(operation)
    await world.notice(operation_notice("late", attempt_id, done, REFUND))
    after = await world.get(payment)
    assert (after.state, after.refunds[0].state) == (State.REFUNDED, RefundState.SUCCEEDED)


async def test_a_late_approval_that_cannot_be_refunded_is_closed_by_hand(world: World):
    world.a.plan(AUTHORISE, declined(DeclineCode.CARD_BLOCKED))
    payment = await world.create()
    [attempt] = await world.attempts()
    approved = world.a.approve_late(attempt["id"], payment.id, captured=True)
    await world.notice(operation_notice("late", attempt["id"], approved))
    world.a.plan(REFUND, *[declined(DeclineCode.REQUEST_REFUSED)] * 20)
    for _ in range(13):
        await world.recover()
    assert (await settle(world, attempt["id"], Found.DONE)).state is State.DECLINED
    assert await world.recover() == 0


async def test_operator_actions_are_append_only(world: World):
    _, attempt_id = await unresolved(world, REFUND)
    await settle(world, attempt_id, Found.DONE)
    for change in ("UPDATE operator_actions SET note = ''", "DELETE FROM operator_actions"):
        with pytest.raises(Exception, match="append only"):
            await world.rows(change)


async def test_operators_settle_attempts_and_list_their_actions_over_grpc(
    world: World, client: GrpcClient
):
    _, attempt_id = await unresolved(world, CAPTURE)
    fields = {"attempt_id": attempt_id, "operator": "giulia", "note": "seen"}
    answer = await client.call(
        "SettleAttempt", outcome=pb.SettleAttemptRequest.OUTCOME_DONE, **fields
    )
    assert answer.payment.state == pb.Payment.STATE_CAPTURED
    listed = (await client.call("ListOperatorActions", limit=1)).data[0]
    assert (listed.attempt_id, listed.operator) == (attempt_id, "giulia")
    assert listed.outcome == pb.SettleAttemptRequest.OUTCOME_DONE
    otherwise = pb.SettleAttemptRequest.OUTCOME_NOT_DONE
    refused = await client.refused("SettleAttempt", outcome=otherwise, **fields)
    assert refused == (Kind.CONFLICT, "attempt_settled_otherwise")
    kind, _ = await client.refused("SettleAttempt", **fields)
    assert kind is Kind.INVALID
