"""The gRPC servicer: instruments, PSP accounts, routing, webhooks, disputes, unresolved attempts."""

from datetime import date

import pytest

from incasso.payments.v1 import payments_pb2 as pb
from libs.errors import Kind
from services.payments.connectors.base import SettlementLine, Settlements
from services.payments.rules.outcomes import ActionRequired, DeclineCode, Unknown
from services.payments.rules.states import DisputeState
from tests.services.payments.grpc_client import MERCHANT, GrpcClient, routing
from tests.services.payments.psp_double import AUTHORISE, Fault, declined
from tests.services.payments.psp_webhooks import dispute, operation_notice, webhook


async def test_routing_is_replaced_as_a_whole(client: GrpcClient):
    assert not (await client.call("GetRouting")).routing.rules
    updated = await client.call("UpdateRouting", routing=routing("b", "a"))
    assert [target.psp_account for target in updated.routing.rules[0].targets] == ["b", "a"]
    assert (await client.call("GetRouting")).routing == updated.routing
    assert await client.refused("UpdateRouting", routing=routing("nowhere")) == (
        Kind.NOT_FOUND,
        "psp_account_not_found",
    )
    upside_down = routing("a")
    upside_down.rules[0].amount_from_minor = 2
    upside_down.rules[0].amount_to_minor = 1
    assert await client.refused("UpdateRouting", routing=upside_down) == (
        Kind.INVALID,
        "invalid_argument",
    )


@pytest.mark.parametrize(
    ("currencies", "fine"),
    [((), False), (("EUR", "JPY"), False), (("EUR",), True), (("EUR", "CHF"), True)],
)
async def test_a_rule_with_amounts_needs_currencies_with_equal_decimals(
    client: GrpcClient, currencies, fine
):
    bounded = routing("a")
    bounded.rules[0].amount_to_minor = 5000
    bounded.rules[0].currencies[:] = currencies
    if fine:
        changed = await client.call("UpdateRouting", routing=bounded)
        assert changed.routing.rules[0].amount_to_minor == 5000
    else:
        refused = await client.refused("UpdateRouting", routing=bounded)
        assert refused == (Kind.INVALID, "invalid_argument")


async def test_instruments_are_set_up_and_removed(client: GrpcClient):
    fields = {"psp_account": "a", "token": "tok_visa", "customer_id": "cus_1"}
    ready = await client.call("SetUpInstrument", key="i", **fields)
    assert (ready.token, ready.brand, ready.last4) == ("card_tok_visa", "visa", "4242")
    assert await client.call("SetUpInstrument", key="i", **fields) == ready
    keys = {setup.key for name, setup in client.world.a.calls if name == "set_up"}
    assert len(keys) == 1, "the PSP sees one key"
    await client.call("RemoveInstrument", psp_account="a", token=ready.token)
    client.world.a.removable = False
    assert await client.refused("RemoveInstrument", psp_account="a", token="t") == (
        Kind.UNAVAILABLE,
        "psp_unavailable",
    )


async def test_a_failed_instrument_setup_is_refused_with_its_reason(client: GrpcClient):
    fields = {"token": "tok_visa", "customer_id": "cus_1"}
    client.world.a.setup_outcome = declined(DeclineCode.CARD_INVALID)
    assert await client.refused("SetUpInstrument", key="1", psp_account="a", **fields) == (
        Kind.UNPROCESSABLE,
        "instrument_refused",
    )
    client.world.a.setup_outcome = Unknown("lost")
    assert await client.refused("SetUpInstrument", key="2", psp_account="a", **fields) == (
        Kind.UNAVAILABLE,
        "psp_unavailable",
    )
    assert await client.refused("SetUpInstrument", key="3", psp_account="x", **fields) == (
        Kind.NOT_FOUND,
        "psp_account_not_found",
    )


async def test_psp_accounts_are_created_validated_and_listed(client: GrpcClient):
    listed = await client.call("ListPspAccounts")
    assert [(account.name, account.publishable_key) for account in listed.data] == [
        ("a", "pk_a"),
        ("b", "pk_b"),
    ]
    fields = {"name": "a", "psp": "double", "credentials": "a"}
    assert await client.refused("CreatePspAccount", **fields) == (
        Kind.CONFLICT,
        "psp_account_exists",
    )
    assert await client.refused("CreatePspAccount", **{**fields, "psp": "x"}) == (
        Kind.INVALID,
        "psp_unknown",
    )
    assert await client.refused("CreatePspAccount", **{**fields, "credentials": "lost"}) == (
        Kind.CONFLICT,
        "credentials_missing",
    )
    made = await client.call("CreatePspAccount", merchant="mer_2", **fields)
    assert made.psp_account.field_url == "https://psp.test/field.js"


async def test_a_webhook_captures_the_payment_once_and_bad_ones_are_refused(client: GrpcClient):
    client.world.a.plan(AUTHORISE, ActionRequired("", "https://psp.test/c"))
    made = await client.create()
    attempt_id = (await client.world.attempts())[0]["id"]
    fields = {
        "merchant": "",
        "actor": "gateway",
        "psp_account_id": client.world.account_ids["a"],
        "body": webhook(
            operation_notice("e1", attempt_id, client.world.a.pass_challenge(attempt_id))
        ),
        "headers": {"signature": "signed by a"},
    }
    assert (await client.call("HandlePspWebhook", **fields)).fresh
    assert not (await client.call("HandlePspWebhook", **fields)).fresh
    got = await client.call("GetPayment", payment_id=made.id)
    assert got.payment.state == pb.Payment.STATE_CAPTURED
    for wrong, wanted in (
        ({"headers": {}}, (Kind.UNAUTHENTICATED, "webhook_signature_invalid")),
        ({"body": b"{"}, (Kind.INVALID, "webhook_malformed")),
        ({"psp_account_id": "psa_x"}, (Kind.NOT_FOUND, "psp_account_not_found")),
    ):
        assert await client.refused("HandlePspWebhook", **{**fields, **wrong}) == wanted


async def test_disputes_are_listed_and_block_refunds(client: GrpcClient):
    made = await client.create()
    await client.world.notice(dispute("e1", made.psp_reference, DisputeState.OPEN))
    [found] = (await client.call("ListDisputes", state=pb.Dispute.STATE_OPEN)).data
    assert (found.payment_id, found.amount_minor, found.reason) == (made.id, 5990, "fraudulent")
    assert not (await client.call("ListDisputes", state=pb.Dispute.STATE_WON)).data
    assert not (await client.call("ListDisputes", merchant="mer_2")).data
    assert await client.refused("RefundPayment", key="r", payment_id=made.id) == (
        Kind.CONFLICT,
        "payment_disputed",
    )
    [shown] = (await client.call("GetPayment", payment_id=made.id)).payment.disputes
    assert shown == found


async def test_unresolved_attempts_are_listed_for_operators(client: GrpcClient):
    client.world.a.plan(AUTHORISE, Fault.NEVER_ARRIVED)
    made = await client.create()
    assert made.state == pb.Payment.STATE_PROCESSING
    await client.world.rows("UPDATE attempts SET unresolved_since = now()")
    [found] = (await client.call("ListUnresolvedAttempts", merchant="")).data
    assert (found.payment_id, found.kind, found.psp_account, found.merchant_id) == (
        made.id,
        "authorise",
        "a",
        MERCHANT,
    )
    assert not (await client.call("ListUnresolvedAttempts", merchant="mer_2")).data


LINE = SettlementLine(
    line_reference="txn_1",
    kind="charge",
    psp_reference="pi_1",
    gross_minor=5990,
    fee_minor=109,
    net_minor=5881,
    currency="EUR",
    happened_on=date(2026, 11, 25),
    available_on=date(2026, 11, 26),
    payout_reference="po_1",
)


async def test_settlements_are_returned_with_the_psps_next_cursor(client: GrpcClient):
    client.world.a.settled = Settlements([LINE], "po_1", is_more=True)
    page = await client.call("FetchSettlements", psp_account="a", cursor="po_0")
    assert (page.cursor, page.has_more, page.psp) == ("po_1", True, "double")
    (line,) = page.data
    assert (line.line_reference, line.gross_minor, line.fee_minor) == ("txn_1", 5990, 109)
    assert (line.happened_on, line.HasField("payout_on")) == ("2026-11-25", False)
    ((_, asked),) = [call for call in client.world.a.calls if call[0] == "settlements"]
    assert asked[0] == "po_0"


async def test_settlements_are_unavailable_while_the_psp_does_not_answer(client: GrpcClient):
    client.world.a.settled = Unknown("no answer in time")
    assert await client.refused("FetchSettlements", psp_account="a") == (
        Kind.UNAVAILABLE,
        "psp_unavailable",
    )
    assert await client.refused("FetchSettlements", psp_account="nowhere") == (
        Kind.NOT_FOUND,
        "psp_account_not_found",
    )


async def test_operators_see_whether_webhooks_arrive(client: GrpcClient):
    async def arrivals():
        found = (await client.call("ListPspWebhookArrivals")).data
        return {
            one.name: {"approved_at", "last_webhook_at"} & {f.name for f, _ in one.ListFields()}
            for one in found
        }

    made = await client.create()
    assert await arrivals() == {"a": set(), "b": set()}  # the PSP has a few minutes to report it
    await client.world.rows("UPDATE attempts SET started_at = now() - interval '1 hour'")
    assert await arrivals() == {"a": {"approved_at"}, "b": set()}
    await client.world.notice(dispute("e1", made.psp_reference, DisputeState.OPEN))
    assert await arrivals() == {"a": {"approved_at", "last_webhook_at"}, "b": set()}
    await client.world.rows("UPDATE attempts SET started_at = now() - interval '8 days'")
    await client.world.rows("UPDATE psp_events SET received_at = now() - interval '8 days'")
    assert await arrivals() == {"a": set(), "b": set()}
    assert not (await client.call("ListPspWebhookArrivals", merchant="mer_2")).data
