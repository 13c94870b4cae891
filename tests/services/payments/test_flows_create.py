"""Taking money: outcomes, fail-over, step-up, repeats."""

import asyncio

import pytest

from incasso.payments.v1 import payments_pb2
from libs.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from libs.money import Money
from services.payments.errors import NoPspAccount, PspAccountNotFound
from services.payments.flows.accounts import update_routing
from services.payments.flows.create import Token
from services.payments.rules.outcomes import ActionRequired, DeclineCode, Pending
from services.payments.rules.routing import Routing, Rule, Target
from services.payments.rules.states import CaptureMode, Exemption, Initiator, State
from tests.services.payments.conftest import MERCHANT, World, key
from tests.services.payments.psp_double import AUTHORISE, Fault, declined


async def test_an_approved_charge_is_captured_and_reported(world: World):
    payment = await world.create()
    assert (payment.state, payment.captured_minor, payment.psp_account) == (
        State.CAPTURED,
        5990,
        "a",
    )
    assert world.a.taken() == [(payment.id, 5990)]
    assert await world.subjects() == ["payment.captured"]
    assert await world.get(payment) == payment
    assert await world.rows("SELECT 1 FROM attempts WHERE next_recovery_at IS NOT NULL") == []


async def test_an_events_route_names_the_method_and_that_the_card_is_saved(world: World):
    await world.create()
    [event] = await world.rows("SELECT subject, route FROM outbox")
    assert (event["subject"], event["route"]) == (
        "incasso.payments.payment.captured",
        "one_click.saved",
    )


async def test_the_psp_gets_the_attempts_id_as_key_and_our_return_url(world: World):
    payment = await world.create()
    [attempt] = await world.attempts()
    [charge] = world.a.sent(AUTHORISE)
    assert charge.key == attempt["id"]
    assert charge.return_url == f"https://pay.test/return/{payment.id}"
    assert (charge.token, charge.psp_customer, charge.capture) == ("tok_a", "cus_a", True)


async def test_manual_capture_only_holds_the_money(world: World):
    payment = await world.hold()
    assert (payment.state, payment.authorised_minor, payment.captured_minor) == (
        State.AUTHORISED,
        5990,
        0,
    )
    assert await world.subjects() == ["payment.authorised"]


async def test_a_retriable_decline_fails_over_to_the_next_account(world: World):
    world.a.plan(AUTHORISE, declined(DeclineCode.DO_NOT_HONOR))
    payment = await world.create()
    assert (payment.state, payment.psp_account) == (State.CAPTURED, "b")
    assert world.a.taken() == []
    assert world.b.taken() == [(payment.id, 5990)]
    assert await world.subjects() == ["payment.captured"]


@pytest.mark.parametrize(
    "code", [DeclineCode.INSUFFICIENT_FUNDS, DeclineCode.CARD_BLOCKED, DeclineCode.CARD_EXPIRED]
)
async def test_an_issuer_decline_is_final(world: World, code: DeclineCode):
    world.a.plan(AUTHORISE, declined(code))
    payment = await world.create()
    assert payment.state is State.DECLINED
    assert payment.decline is not None
    assert payment.decline.code is code
    assert world.b.sent(AUTHORISE) == []
    assert await world.subjects() == ["payment.declined"]


async def test_a_payment_declined_by_every_account_is_declined(world: World):
    world.a.plan(AUTHORISE, declined())
    world.b.plan(AUTHORISE, declined())
    payment = await world.create()
    assert (payment.state, payment.psp_account) == (State.DECLINED, "b")
    assert [row["state"] for row in await world.attempts()] == ["declined", "declined"]


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.NEVER_ARRIVED])
async def test_an_unknown_outcome_does_not_fail_over(world: World, fault: Fault):
    world.a.plan(AUTHORISE, fault)
    payment = await world.create()
    assert payment.state is State.PROCESSING
    assert world.b.sent(AUTHORISE) == []
    assert await world.subjects() == []


async def test_a_soft_decline_is_sent_again_with_a_challenge(world: World):
    await world.rows("UPDATE psp_accounts SET tra_band = '0.13'")
    world.deps.routing_cache.invalidate(MERCHANT)
    world.a.plan(
        AUTHORISE,
        declined(DeclineCode.AUTHENTICATION_REQUIRED),
        ActionRequired("a:1", "https://psp.test/challenge"),
    )
    payment = await world.create()
    first, second = world.a.sent(AUTHORISE)
    assert (first.exemption, first.force_challenge) == (Exemption.TRA, False)
    assert (second.exemption, second.force_challenge) == (Exemption.NONE, True)
    assert first.key != second.key
    assert (payment.state, payment.next_action_url) == (
        State.REQUIRES_ACTION,
        "https://psp.test/challenge",
    )
    assert await world.subjects() == ["payment.action_required"]


async def test_a_merchant_initiated_charge_is_not_challenged(world: World):
    world.a.plan(AUTHORISE, declined(DeclineCode.AUTHENTICATION_REQUIRED))
    payment = await world.create(initiator=Initiator.MERCHANT, mandate_reference="man_1")
    [charge] = world.a.sent(AUTHORISE)
    assert (charge.exemption, charge.mandate_reference) == (Exemption.MIT, "man_1")
    assert payment.state is State.DECLINED


async def test_a_pending_charge_is_reported_as_pending(world: World):
    world.a.plan(AUTHORISE, Pending("a:1"))
    assert (await world.create()).state is State.PENDING
    assert await world.subjects() == ["payment.pending"]


async def test_rules_choose_the_account(world: World):
    rule = Rule(targets=(Target("b"),), currencies=("USD",))
    await update_routing(world.deps, Routing((rule,)))
    assert (await world.create(amount=Money(100, "USD"))).psp_account == "b"
    assert (await world.create()).psp_account == "a"


async def test_an_account_without_a_token_is_not_a_candidate(world: World):
    await update_routing(world.deps, Routing((Rule(targets=(Target("b"),)),)))
    with pytest.raises(NoPspAccount):
        await world.create(tokens={"a": Token("tok_a", "")})
    with pytest.raises(PspAccountNotFound):
        await world.create(tokens={"nowhere": Token("tok", "")})


async def test_fifty_identical_concurrent_requests_charge_once(world: World):
    cmd = world.order()

    async def ask() -> bytes:
        while True:
            try:
                return (await world.ask(cmd, key("k"))).SerializeToString(deterministic=True)
            except IdempotencyKeyInUse:
                await asyncio.sleep(0.01)

    answers = await asyncio.gather(*(ask() for _ in range(50)))
    payment = await world.only_payment()
    [answer] = set(answers)
    assert payments_pb2.Payment.FromString(answer).id == payment.id
    assert payments_pb2.Payment.FromString(answer).state == payments_pb2.Payment.STATE_CAPTURED
    assert world.a.taken() == [(payment.id, 5990)]


async def test_the_same_key_with_another_body_is_refused(world: World):
    await world.create(key=key("k"))
    with pytest.raises(IdempotencyKeyReused):
        await world.create(key=key("k", "other"))


async def test_a_repeat_answers_the_current_state_until_the_outcome_is_stored(world: World):
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    first = await world.create(key=key("k"))
    again = await world.ask(world.order(), key("k"))
    assert (again.id, again.state) == (first.id, payments_pb2.Payment.STATE_PROCESSING)
    await world.recover()
    later = await world.ask(world.order(), key("k"))
    assert later.state == payments_pb2.Payment.STATE_CAPTURED
    await world.rows("UPDATE payments SET state = 'authorised'")
    assert await world.ask(world.order(), key("k")) == later, "it is kept, and not made again"
    assert world.a.taken() == [(first.id, 5990)]


async def test_a_refused_request_leaves_its_key_free(world: World):
    with pytest.raises(PspAccountNotFound):
        await world.create(key=key("k"), tokens={"nowhere": Token("tok", "")})
    assert (await world.create(key=key("k"))).state is State.CAPTURED


async def test_the_worker_captures_an_immediate_payment_that_was_only_authorised(world: World):
    payment = await world.hold()
    await world.rows("UPDATE payments SET capture = 'now', due_at = now()")
    assert await world.run_due() == 1
    assert (await world.get(payment)).state is State.CAPTURED


async def test_capture_mode_is_passed_to_the_psp(world: World):
    await world.create(capture=CaptureMode.MANUAL)
    assert [charge.capture for charge in world.a.sent(AUTHORISE)] == [False]
