"""Cards that are not saved: a token from the PSP's field, valid for one charge under one key."""

import pytest

from incasso.payments.v1 import events_pb2
from incasso.payments.v1 import payments_pb2 as pb
from libs.errors import Kind
from services.payments.flows.create import Token
from services.payments.rules import retry
from services.payments.rules.outcomes import ActionRequired, DeclineCode
from services.payments.rules.states import CaptureMode, Exemption, State
from tests.services.payments.conftest import World, key
from tests.services.payments.grpc_client import EUR_59_90, GrpcClient, routing
from tests.services.payments.psp_double import AUTHORISE, REFUND, Fault, declined
from tests.services.payments.psp_webhooks import operation_notice
from tests.services.payments.test_flows_crashes import assert_settled, until_the_fault

UNSAVED = {"instrument_id": "", "brand": "", "country": "", "method": "link"}
ONCE = {**UNSAVED, "tokens": {"a": Token("once_1", "")}}


async def kept_tokens(world: World) -> set[str]:
    candidates = await world.rows("SELECT candidates FROM payments")
    tokens = {entry["token"] for row in candidates for entry in row["candidates"]}
    return tokens | {row["token"] for row in await world.attempts(AUTHORISE)}


@pytest.mark.parametrize("capture", [CaptureMode.NOW, CaptureMode.MANUAL])
@pytest.mark.parametrize("fault", list(Fault))
async def test_a_card_that_is_not_saved_is_charged_once(world: World, fault, capture):
    world.a.plan(AUTHORISE, fault)
    await until_the_fault(world.create(**ONCE, capture=capture, key=key("k")))
    assert (await world.only_payment()).state is State.PROCESSING
    assert await kept_tokens(world) == {"once_1"}, "a repeat needs it"
    await world.recover()
    payment = await world.only_payment()
    assert payment.state is (State.CAPTURED if capture is CaptureMode.NOW else State.AUTHORISED)
    assert world.a.taken() == [(payment.id, 5990)]
    assert len({charge.key for charge in world.a.sent(AUTHORISE)}) == 1
    assert await kept_tokens(world) == {""}
    await assert_settled(world)


async def test_the_token_is_deleted_with_the_answer_and_refunds_still_work(world: World):
    paid = await world.create(**ONCE)
    assert (paid.state, paid.method, paid.psp_account) == (State.CAPTURED, "link", "a")
    assert await kept_tokens(world) == {""}
    await world.refund(paid, 1000)
    assert (await world.get(paid)).refunded_minor == 1000
    assert world.a.sent(REFUND)[0].psp_reference == paid.psp_reference


async def test_the_tokens_of_a_saved_card_are_deleted_with_the_outcome(world: World):
    """Those of all attempts: the first account's certain no, and the second's approval."""
    world.a.plan(AUTHORISE, declined(DeclineCode.PSP_UNAVAILABLE))
    paid = await world.create()
    assert (paid.state, paid.psp_account) == (State.CAPTURED, "b")
    assert await kept_tokens(world) == {""}
    await world.refund(paid, 1000)
    assert (await world.get(paid)).refunded_minor == 1000


async def test_the_tokens_of_a_saved_card_are_kept_while_a_retry_may_need_them(world: World):
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    await until_the_fault(world.create())
    assert await kept_tokens(world) == {"tok_a", "tok_b"}
    await world.recover()
    assert await kept_tokens(world) == {""}


async def test_the_token_is_deleted_once_a_challenge_starts(world: World):
    world.a.plan(AUTHORISE, ActionRequired("", "https://psp.test/c"))
    waiting = await world.create(**ONCE)
    assert waiting.state is State.REQUIRES_ACTION
    assert await kept_tokens(world) == {""}
    [attempt] = await world.attempts()
    world.a.pass_challenge(attempt["id"])
    await world.recover()
    assert (await world.get(waiting)).state is State.CAPTURED


async def test_a_webhook_that_overtakes_the_answer_deletes_the_token_too(world: World):
    async def overtake(charge) -> None:
        world.a.on_call = None
        await world.notice(operation_notice("e1", charge.key, world.a.answers[charge.key]))

    world.a.on_call = overtake
    paid = await world.create(**ONCE)
    assert (paid.state, await kept_tokens(world)) == (State.CAPTURED, {""})


@pytest.mark.parametrize(
    "code",
    [DeclineCode.DO_NOT_HONOR, DeclineCode.AUTHENTICATION_REQUIRED, DeclineCode.PSP_UNAVAILABLE],
)
async def test_a_decline_is_final_because_the_token_may_be_used_up(world: World, code):
    world.a.plan(AUTHORISE, declined(code))
    payment = await world.create(**ONCE)
    assert (payment.state, len(world.a.sent(AUTHORISE))) == (State.DECLINED, 1)
    assert payment.decline is not None
    assert payment.decline.code is code
    assert await kept_tokens(world) == {""}


async def test_a_charge_too_old_to_repeat_is_declined_and_its_token_deleted(world: World):
    world.a.plan(AUTHORISE, Fault.NEVER_ARRIVED)
    payment = await world.create(**ONCE)
    await world.recover(age=retry.AUTHORISE_REPEATABLE_FOR * 2)
    assert (await world.get(payment)).state is State.DECLINED
    assert (world.a.taken(), await kept_tokens(world)) == ([], {""})


async def test_no_exemption_is_requested_for_an_unsaved_card(world: World):
    await world.rows("UPDATE psp_accounts SET tra_band = '0.01'")
    world.deps.routing_cache.invalidate("mer_1")
    [paid, saved] = [await world.create(**ONCE), await world.create()]
    assert (paid.exemption, saved.exemption) == (Exemption.NONE, Exemption.TRA)


async def test_the_tokens_account_is_charged_whatever_the_routing_rules(client: GrpcClient):
    await client.call("UpdateRouting", routing=routing("b"))
    card = pb.Instrument(tokens=[pb.InstrumentToken(psp_account="a", token="once_1")])
    made = await client.create(instrument=card, method="link", metadata={"link": "lnk_1"})
    assert (made.state, made.psp_account) == (pb.Payment.STATE_CAPTURED, "a")
    assert not made.HasField("instrument_id")
    [row] = await client.world.rows("SELECT subject, body FROM outbox")
    assert row["subject"] == "incasso.payments.payment.captured"
    event = events_pb2.PaymentCaptured.FromString(row["body"])
    assert (event.payment.method, dict(event.payment.metadata)) == ("link", {"link": "lnk_1"})


async def test_an_unsaved_card_needs_exactly_one_token_and_the_shopper_present(client: GrpcClient):
    one, other = (pb.InstrumentToken(psp_account=name, token="once_1") for name in "ab")
    for fields in (
        {"instrument": pb.Instrument(tokens=[one, other])},
        {
            "instrument": pb.Instrument(tokens=[one]),
            "initiator": pb.INITIATOR_MERCHANT,
            "mandate_reference": "m",
        },
    ):
        wrong = {"amount": EUR_59_90, "order_reference": "A-1", "method": "link", **fields}
        assert await client.refused("CreatePayment", key="k", **wrong) == (
            Kind.INVALID,
            "invalid_argument",
        )
    assert await client.world.rows("SELECT id FROM payments") == []


async def field(client: GrpcClient, method: str = "link") -> str:
    answer = await client.call("GetCardField", amount=EUR_59_90, method=method)
    assert answer.psp_account.publishable_key == f"pk_{answer.psp_account.name}"
    return answer.psp_account.name


async def test_the_card_field_belongs_to_the_account_routing_would_choose(client: GrpcClient):
    assert await field(client) == "a"
    rules = routing("b", "a")
    rules.rules[0].methods.append("link")
    by_brand = pb.RoutingRule(brands=["amex"], targets=[pb.RoutingTarget(psp_account="a")])
    rules.rules.insert(0, by_brand)
    await client.call("UpdateRouting", routing=rules)
    assert (await field(client), await field(client, "cod")) == ("b", "a")
    client.world.b.script = ""
    assert await field(client) == "a", "the next that has a field"


async def test_a_card_field_is_refused_when_no_account_has_one(client: GrpcClient):
    asked = {"amount": EUR_59_90, "method": "link"}
    none = (Kind.CONFLICT, "no_psp_account")
    assert await client.refused("GetCardField", merchant="mer_2", **asked) == none
    client.world.a.script = client.world.b.script = ""
    assert await client.refused("GetCardField", **asked) == none
