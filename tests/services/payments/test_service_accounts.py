"""The gRPC servicer: instruments, PSP accounts, routing, webhooks, disputes, doubts."""

import pytest

from incasso.payments.v1 import payments_pb2 as pb
from libs.errors import Kind
from services.payments.rules.outcomes import ActionRequired, DeclineCode, Unknown
from services.payments.rules.states import DisputeState
from tests.services.payments.door import MERCHANT, Door, routing
from tests.services.payments.psp_double import AUTHORISE, Fault, declined
from tests.services.payments.psp_news import dispute, told, webhook


async def test_routing_is_replaced_as_a_whole(door: Door):
    assert not (await door.call("GetRouting")).routing.rules
    updated = await door.call("UpdateRouting", routing=routing("b", "a"))
    assert [target.psp_account for target in updated.routing.rules[0].targets] == ["b", "a"]
    assert (await door.call("GetRouting")).routing == updated.routing
    assert await door.refused("UpdateRouting", routing=routing("nowhere")) == (
        Kind.NOT_FOUND,
        "psp_account_not_found",
    )
    upside_down = routing("a")
    upside_down.rules[0].amount_from_minor = 2
    upside_down.rules[0].amount_to_minor = 1
    assert await door.refused("UpdateRouting", routing=upside_down) == (
        Kind.INVALID,
        "invalid_argument",
    )


@pytest.mark.parametrize(
    ("currencies", "fine"),
    [((), False), (("EUR", "JPY"), False), (("EUR",), True), (("EUR", "CHF"), True)],
)
async def test_amounts_of_a_rule_are_amounts_of_a_currency(door: Door, currencies, fine):
    bounded = routing("a")
    bounded.rules[0].amount_to_minor = 5000
    bounded.rules[0].currencies[:] = currencies
    if fine:
        changed = await door.call("UpdateRouting", routing=bounded)
        assert changed.routing.rules[0].amount_to_minor == 5000
    else:
        refused = await door.refused("UpdateRouting", routing=bounded)
        assert refused == (Kind.INVALID, "invalid_argument")


async def test_instruments_are_set_up_and_forgotten(door: Door):
    fields = {"psp_account": "a", "token": "tok_visa", "customer_id": "cus_1"}
    ready = await door.call("SetUpInstrument", key="i", **fields)
    assert (ready.token, ready.brand, ready.last4) == ("card_tok_visa", "visa", "4242")
    assert await door.call("SetUpInstrument", key="i", **fields) == ready
    keys = {setup.key for name, setup in door.world.a.calls if name == "set_up"}
    assert len(keys) == 1, "the PSP sees one key"
    await door.call("RemoveInstrument", psp_account="a", token=ready.token)
    door.world.a.removable = False
    assert await door.refused("RemoveInstrument", psp_account="a", token="t") == (
        Kind.UNAVAILABLE,
        "psp_unavailable",
    )


async def test_refusals_of_instruments(door: Door):
    fields = {"token": "tok_visa", "customer_id": "cus_1"}
    door.world.a.setup_outcome = declined(DeclineCode.CARD_INVALID)
    assert await door.refused("SetUpInstrument", key="1", psp_account="a", **fields) == (
        Kind.UNPROCESSABLE,
        "instrument_refused",
    )
    door.world.a.setup_outcome = Unknown("lost")
    assert await door.refused("SetUpInstrument", key="2", psp_account="a", **fields) == (
        Kind.UNAVAILABLE,
        "psp_unavailable",
    )
    assert await door.refused("SetUpInstrument", key="3", psp_account="x", **fields) == (
        Kind.NOT_FOUND,
        "psp_account_not_found",
    )


async def test_psp_accounts(door: Door):
    listed = await door.call("ListPspAccounts")
    assert [(account.name, account.publishable_key) for account in listed.data] == [
        ("a", "pk_a"),
        ("b", "pk_b"),
    ]
    fields = {"name": "a", "psp": "double", "credentials": "a"}
    assert await door.refused("CreatePspAccount", **fields) == (
        Kind.CONFLICT,
        "psp_account_exists",
    )
    assert await door.refused("CreatePspAccount", **{**fields, "psp": "x"}) == (
        Kind.INVALID,
        "psp_unknown",
    )
    assert await door.refused("CreatePspAccount", **{**fields, "credentials": "lost"}) == (
        Kind.CONFLICT,
        "credentials_missing",
    )
    made = await door.call("CreatePspAccount", merchant="mer_2", **fields)
    assert made.psp_account.field_url == "https://psp.test/field.js"


async def test_webhooks(door: Door):
    door.world.a.plan(AUTHORISE, ActionRequired("", "https://psp.test/c"))
    made = await door.create()
    attempt_id = (await door.world.attempts())[0]["id"]
    fields = {
        "merchant": "",
        "actor": "gateway",
        "psp_account_id": door.world.account_ids["a"],
        "body": webhook(told("e1", attempt_id, door.world.a.pass_challenge(attempt_id))),
        "headers": {"signature": "signed by a"},
    }
    assert (await door.call("HandlePspWebhook", **fields)).fresh
    assert not (await door.call("HandlePspWebhook", **fields)).fresh
    got = await door.call("GetPayment", payment_id=made.id)
    assert got.payment.state == pb.Payment.STATE_CAPTURED
    for wrong, wanted in (
        ({"headers": {}}, (Kind.UNAUTHENTICATED, "webhook_signature_invalid")),
        ({"body": b"{"}, (Kind.INVALID, "webhook_malformed")),
        ({"psp_account_id": "psa_x"}, (Kind.NOT_FOUND, "psp_account_not_found")),
    ):
        assert await door.refused("HandlePspWebhook", **{**fields, **wrong}) == wanted


async def test_disputes(door: Door):
    made = await door.create()
    await door.world.notice(dispute("e1", made.psp_reference, DisputeState.OPEN))
    [found] = (await door.call("ListDisputes", state=pb.Dispute.STATE_OPEN)).data
    assert (found.payment_id, found.amount_minor, found.reason) == (made.id, 5990, "fraudulent")
    assert not (await door.call("ListDisputes", state=pb.Dispute.STATE_WON)).data
    assert not (await door.call("ListDisputes", merchant="mer_2")).data
    assert await door.refused("RefundPayment", key="r", payment_id=made.id) == (
        Kind.CONFLICT,
        "payment_disputed",
    )
    [shown] = (await door.call("GetPayment", payment_id=made.id)).payment.disputes
    assert shown == found


async def test_unresolved_attempts_are_listed_for_operators(door: Door):
    door.world.a.plan(AUTHORISE, Fault.NEVER_ARRIVED)
    made = await door.create()
    assert made.state == pb.Payment.STATE_PROCESSING
    await door.world.rows("UPDATE attempts SET unresolved_since = now()")
    [found] = (await door.call("ListUnresolvedAttempts", merchant="")).data
    assert (found.payment_id, found.kind, found.psp_account, found.merchant_id) == (
        made.id,
        "authorise",
        "a",
        MERCHANT,
    )
    assert not (await door.call("ListUnresolvedAttempts", merchant="mer_2")).data
