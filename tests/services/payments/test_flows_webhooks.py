"""PSP webhooks and returning shoppers: twice, late, reordered, early, forged."""

import asyncio
import json
from datetime import timedelta

import pytest

from services.payments.connectors.base import OtherNotice
from services.payments.errors import (
    PaymentNotFound,
    PspAccountNotFound,
    WebhookMalformed,
    WebhookSignatureInvalid,
)
from services.payments.flows.refresh import refresh_payment
from services.payments.flows.webhooks import HandlePspWebhook, handle_psp_webhook
from services.payments.rules import retry
from services.payments.rules.domain import Payment
from services.payments.rules.outcomes import ActionRequired, Approved, DeclineCode, Pending
from services.payments.rules.states import DisputeState, State
from tests.services.payments.conftest import World
from tests.services.payments.psp_double import AUTHORISE, REFUND, Fault, declined
from tests.services.payments.psp_webhooks import dispute, external_notice, operation_notice


async def challenged(world: World) -> tuple[Payment, str]:
    world.a.plan(AUTHORISE, ActionRequired("", "https://psp.test/c"))
    payment = await world.create()
    assert payment.state is State.REQUIRES_ACTION
    return payment, (await world.attempts())[0]["id"]


async def refresh(world: World, payment: Payment) -> Payment:
    world.act()
    return await refresh_payment(world.deps, payment.id)


@pytest.mark.parametrize("first", ["webhook", "return"])
async def test_a_passed_challenge_captures_once_whether_webhook_or_shopper_comes_first(
    world: World, first: str
):
    payment, attempt_id = await challenged(world)
    outcome = world.a.pass_challenge(attempt_id)
    if first == "webhook":
        assert await world.notice(operation_notice("e1", attempt_id, outcome))
        assert (await refresh(world, payment)).state is State.CAPTURED
    else:
        assert (await refresh(world, payment)).state is State.CAPTURED
        assert await world.notice(operation_notice("e1", attempt_id, outcome))
    assert (await world.get(payment)).state is State.CAPTURED
    assert await world.subjects() == ["payment.action_required", "payment.captured"]


async def test_the_gateway_refreshes_a_challenged_payment_without_a_merchant(world: World):
    payment, attempt_id = await challenged(world)
    world.a.pass_challenge(attempt_id)
    world.act("", caller="gateway")
    found = await refresh_payment(world.deps, payment.id)
    assert (found.state, found.return_url) == (State.CAPTURED, "https://shop.test/back")
    never_challenged = await world.create()
    for merchant_id, caller, payment_id in (
        ("", "gateway", never_challenged.id),
        ("", "oneclick", payment.id),
        ("mer_2", "gateway", payment.id),
    ):
        world.act(merchant_id, caller=caller)
        with pytest.raises(PaymentNotFound):
            await refresh_payment(world.deps, payment_id)


@pytest.fixture
def _asked_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """ASK_EVERY is longer than the test takes on any machine."""
    monkeypatch.setattr(retry, "ASK_EVERY", timedelta(hours=1))


@pytest.mark.usefixtures("_asked_rarely")
async def test_thirty_concurrent_returns_look_up_the_payment_once(world: World):
    payment, attempt_id = await challenged(world)
    world.a.pass_challenge(attempt_id)
    answers = await asyncio.gather(*(refresh(world, payment) for _ in range(30)))
    assert {answer.state for answer in answers} == {State.CAPTURED}
    assert len([name for name, _ in world.a.calls if name == "look_up"]) == 1


@pytest.mark.usefixtures("_asked_rarely")
async def test_frequent_refreshes_do_not_each_ask_the_psp(world: World):
    payment, _ = await challenged(world)
    for _ in range(3):
        assert (await refresh(world, payment)).state is State.REQUIRES_ACTION
    assert len([name for name, _ in world.a.calls if name == "look_up"]) <= 2
    await world.rows("UPDATE payments SET asked_at = now() - interval '1 hour'")
    asked = len([name for name, _ in world.a.calls if name == "look_up"])
    await refresh(world, payment)
    assert len([name for name, _ in world.a.calls if name == "look_up"]) == asked + 1


async def test_a_failed_challenge_declines_without_fail_over(world: World):
    payment, attempt_id = await challenged(world)
    await world.notice(
        operation_notice("e1", attempt_id, declined(DeclineCode.AUTHENTICATION_FAILED))
    )
    assert (await world.get(payment)).state is State.DECLINED
    assert world.b.sent(AUTHORISE) == []


async def test_a_repeated_webhook_does_nothing(world: World):
    payment, attempt_id = await challenged(world)
    notice = operation_notice("e1", attempt_id, world.a.pass_challenge(attempt_id))
    assert [await world.notice(notice) for _ in range(3)] == [True, False, False]
    assert (await world.subjects()).count("payment.captured") == 1
    assert (await world.get(payment)).state is State.CAPTURED


async def test_late_and_reordered_webhooks_never_move_a_state_back(world: World):
    payment, attempt_id = await challenged(world)
    outcome = world.a.pass_challenge(attempt_id)
    await world.notice(operation_notice("e3", attempt_id, outcome))
    await world.notice(
        operation_notice("e1", attempt_id, ActionRequired("", "https://psp.test/old"))
    )
    await world.notice(operation_notice("e2", attempt_id, Pending("")))
    await world.notice(operation_notice("e4", attempt_id, declined()))
    after = await world.get(payment)
    assert (after.state, after.next_action_url) == (State.CAPTURED, "")


async def test_a_webhook_that_overtakes_the_answer_captures_once(world: World):
    async def deliver(charge) -> None:
        await world.notice(operation_notice("e1", charge.key, world.a.answers[charge.key]))

    world.a.on_call = deliver
    payment = await world.create()
    assert (payment.state, payment.captured_minor) == (State.CAPTURED, 5990)
    assert await world.subjects() == ["payment.captured"]


async def test_a_retriable_decline_still_fails_over_when_its_webhook_overtakes_it(
    world: World,
):
    async def deliver(charge) -> None:
        await world.notice(operation_notice("e1", charge.key, world.a.answers[charge.key]))

    world.a.on_call = deliver
    world.a.plan(AUTHORISE, declined())
    payment = await world.create()
    assert (payment.state, payment.psp_account) == (State.CAPTURED, "b")


async def test_a_webhook_that_overtakes_a_refunds_answer_books_it_once(world: World):
    async def deliver(operation) -> None:
        notice = operation_notice(
            "e", operation.key, world.a.answers[operation.key], operation.kind
        )
        await world.notice(notice)

    paid, held = await world.create(), await world.hold()
    world.a.on_call = deliver
    assert (await world.refund(paid, 1000)).refunded_minor == 1000
    assert (await world.capture(held)).state is State.CAPTURED
    published = await world.subjects()
    assert (published.count("payment.refunded"), published.count("payment.captured")) == (1, 2)


async def test_a_webhook_settles_an_unknown_outcome(world: World):
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    payment = await world.create()
    [attempt] = await world.attempts()
    await world.notice(operation_notice("e1", attempt["id"], world.a.answers[attempt["id"]]))
    assert (await world.get(payment)).state is State.CAPTURED
    assert await world.recover() == 0


async def test_a_refund_is_found_by_the_psps_reference(world: World):
    paid = await world.create()
    world.a.plan(REFUND, Pending("re_77"))
    await world.refund(paid, 1000)
    done = Approved("re_77", 1000)
    await world.notice(external_notice("e1", REFUND, paid.psp_reference, done, reference="re_77"))
    assert (await world.get(paid)).refunded_minor == 1000


async def test_irrelevant_webhooks_are_stored_and_accepted(world: World):
    assert await world.notice(OtherNotice("e1", "customer.updated"))
    assert await world.notice(operation_notice("e2", "att_nobody", Approved("x", 1)))
    assert await world.notice(dispute("e3", "nobody", DisputeState.OPEN))
    assert len(await world.rows("SELECT 1 FROM psp_events")) == 3


async def test_another_accounts_webhook_cannot_touch_a_payment(world: World):
    payment, attempt_id = await challenged(world)
    await world.notice(operation_notice("e1", attempt_id, Approved("b:1", 5990, True)), account="b")
    assert (await world.get(payment)).state is State.REQUIRES_ACTION


async def test_forged_malformed_and_misaddressed_webhooks_are_refused(world: World):
    account = world.account_ids["a"]
    with pytest.raises(WebhookSignatureInvalid):
        await handle_psp_webhook(world.deps, HandlePspWebhook(account, b"{}", {}))
    signed = {"signature": "signed by a"}
    for body in (b"not json", json.dumps({"number": 0}).encode()):
        with pytest.raises(WebhookMalformed):
            await handle_psp_webhook(world.deps, HandlePspWebhook(account, body, signed))
    with pytest.raises(PspAccountNotFound):
        await handle_psp_webhook(world.deps, HandlePspWebhook("psa_nobody", b"{}", signed))
    assert await world.rows("SELECT 1 FROM psp_events") == []
