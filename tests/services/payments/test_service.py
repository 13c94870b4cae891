"""The gRPC servicer: the answers of the RPCs, and every refusal with its code and reason."""

from typing import Any

import pytest

from incasso.common.v1 import money_pb2
from incasso.payments.v1 import payments_pb2 as pb
from libs.errors import Kind, RemoteRefusal
from libs.payments.client import answer_of
from services.payments.rules import retry
from services.payments.rules.outcomes import ActionRequired, DeclineCode
from tests.services.payments.grpc_client import EUR_59_90, GrpcClient, routing
from tests.services.payments.psp_double import AUTHORISE, CANCEL, Fault, declined

# Payments


async def test_create_get_and_list_return_the_same_payment(client: GrpcClient):
    made = await client.create(
        customer_id="cus_1", metadata={"cart": "7"}, sca_history=pb.ScaHistory()
    )
    assert (made.state, made.captured_minor) == (pb.Payment.STATE_CAPTURED, 5990)
    assert (made.psp_account, made.customer_id, made.instrument_id) == ("a", "cus_1", "ins_1")
    assert dict(made.metadata) == {"cart": "7"}
    assert made.sca_exemption == "none", "59.90 is above low value"
    assert (await client.call("GetPayment", payment_id=made.id)).payment == made
    listed = await client.call("ListPayments", state=made.state, customer_id="cus_1")
    assert list(listed.data) == [made]


async def test_a_repeat_gets_the_same_answer(client: GrpcClient):
    first = await client.create(key="k", order_reference="A-1")
    assert await client.create(key="k", order_reference="A-1") == first
    refused = await client.refused("CreatePayment", key="k", **{**fields_of(first), "method": "x"})
    assert refused == (Kind.UNPROCESSABLE, "idempotency_key_reused")


async def test_a_list_of_the_largest_payments_is_paged_by_size(client: GrpcClient):
    """Each with the largest metadata ever allowed: fifty values of 500 characters."""
    await client.create()
    await client.world.rows(
        "UPDATE payments SET metadata = (SELECT jsonb_object_agg('key' || n, repeat('\U0001f384', 500))"
        " FROM generate_series(1, 50) AS n)"
    )
    await client.world.rows(
        "INSERT INTO payments SELECT (payments).* FROM ("
        "  SELECT jsonb_populate_record(payments, jsonb_build_object('id', 'pay_' || lpad(n::text, 26, '0'),"
        " 'guards_order', false, 'caller_key', ''))"
        "  AS payments FROM payments, generate_series(1, 60) AS n) AS copies"
    )
    seen: list[str] = []
    cursor = ""
    while cursor or not seen:
        page = await client.call("ListPayments", limit=100, cursor=cursor)
        assert page.ByteSize() < 1_100_000
        seen += [payment.id for payment in page.data]
        cursor = page.next_cursor
    assert len(set(seen)) == len(seen) == 61


async def test_metadata_is_limited_in_bytes(client: GrpcClient):
    metadata = {f"key{n}": "\U0001f384" * 500 for n in range(16)}
    assert dict((await client.create(metadata=metadata)).metadata) == metadata
    metadata["one_more"] = "\U0001f384" * 500
    with pytest.raises(RemoteRefusal) as caught:
        await client.create(metadata=metadata)
    assert [violation.field for violation in caught.value.violations] == ["metadata"]
    largest = {f"{n:040}": "x" * 500 for n in range(50)}
    assert dict((await client.create(metadata=largest)).metadata) == largest


def fields_of(payment: pb.Payment) -> dict[str, Any]:
    token = pb.InstrumentToken(psp_account="a", token="tok_a")
    return {
        "amount": payment.amount,
        "order_reference": payment.order_reference,
        "method": payment.method,
        "instrument": pb.Instrument(instrument_id="ins_1", tokens=[token]),
    }


async def test_a_decline_is_a_state_and_not_an_error(client: GrpcClient):
    client.world.a.plan(AUTHORISE, declined(DeclineCode.CARD_BLOCKED))
    made = await client.create()
    assert made.state == pb.Payment.STATE_DECLINED
    assert (made.decline.code, made.decline.psp_code) == (
        pb.DECLINE_CODE_CARD_BLOCKED,
        "card_blocked",
    )


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (DeclineCode.INSUFFICIENT_FUNDS, pb.Decline.ADVICE_LATER),
        (DeclineCode.CARD_EXPIRED, pb.Decline.ADVICE_ASK_SHOPPER),
        (DeclineCode.CARD_BLOCKED, pb.Decline.ADVICE_NEVER),
    ],
)
async def test_a_decline_carries_its_advice(client: GrpcClient, code, advice):
    client.world.a.plan(AUTHORISE, declined(code))
    made = await client.create()
    assert made.decline.advice == advice
    answer = answer_of(made)
    assert answer.decline.advice is retry.ADVICE[code]


async def test_a_challenge_redirects_and_a_refresh_captures_the_payment(client: GrpcClient):
    client.world.a.plan(AUTHORISE, ActionRequired("", "https://psp.test/c"))
    made = await client.create(return_url="https://shop.test/back")
    assert made.state == pb.Payment.STATE_REQUIRES_ACTION
    assert (made.next_action.type, made.next_action.url) == ("redirect", "https://psp.test/c")
    client.world.a.pass_challenge((await client.world.attempts())[0]["id"])
    back = await client.call("RefreshPayment", merchant="", actor="gateway", payment_id=made.id)
    assert (back.payment.state, back.return_url) == (
        pb.Payment.STATE_CAPTURED,
        "https://shop.test/back",
    )


async def test_a_delayed_payment_is_lowered_captured_and_refunded(client: GrpcClient):
    made = await client.create(capture=pb.CAPTURE_MODE_DELAYED, capture_delay_seconds=900)
    assert made.capture_at.seconds == made.created_at.seconds + 900
    lower = money_pb2.Money(amount_minor=4000, currency="EUR")
    lowered = await client.call("LowerPayment", payment_id=made.id, amount=lower)
    assert lowered.payment.capturable_minor == 4000
    captured = await client.call("CapturePayment", key="c", payment_id=made.id)
    assert captured.payment.captured_minor == 4000
    assert await client.call("CapturePayment", key="c", payment_id=made.id) == captured
    refunded = await client.call("RefundPayment", key="r", payment_id=made.id, reason="returned")
    assert refunded.payment.state == pb.Payment.STATE_REFUNDED
    [refund] = refunded.payment.refunds
    assert (refund.state, refund.amount_minor, refund.reason) == (
        pb.Refund.STATE_SUCCEEDED,
        4000,
        "returned",
    )


async def test_a_cancelled_payment_cannot_be_cancelled_again(client: GrpcClient):
    made = await client.create(capture=pb.CAPTURE_MODE_MANUAL)
    cancelled = await client.call("CancelPayment", key="x", payment_id=made.id)
    assert cancelled.payment.state == pb.Payment.STATE_CANCELLED
    assert await client.refused("CancelPayment", key="y", payment_id=made.id) == (
        Kind.CONFLICT,
        "payment_not_cancellable",
    )


async def test_payments_are_listed_in_pages(client: GrpcClient):
    made = [(await client.create()).id for _ in range(3)]
    first = await client.call("ListPayments", limit=2)
    assert [payment.id for payment in first.data] == [made[2], made[1]]
    rest = await client.call("ListPayments", limit=2, cursor=first.next_cursor)
    assert [payment.id for payment in rest.data] == [made[0]]
    assert not rest.HasField("next_cursor")
    assert await client.refused("ListPayments", cursor="nonsense") == (
        Kind.INVALID,
        "cursor_invalid",
    )


async def test_payments_are_filtered_by_order_reference_time_and_state(client: GrpcClient):
    made = await client.create(order_reference="B-7")
    await client.create()
    listed = await client.call("ListPayments", order_reference="B-7", created_from=made.created_at)
    assert [payment.id for payment in listed.data] == [made.id]
    assert not (await client.call("ListPayments", created_to=made.created_at)).data
    assert not (await client.call("ListPayments", state=pb.Payment.STATE_DECLINED)).data


async def test_payments_are_found_by_card_digits_and_amount(client: GrpcClient):
    token = [pb.InstrumentToken(psp_account="a", token="tok_a")]
    card = pb.Instrument(instrument_id="ins_2", brand="amex", last4="0005", tokens=token)
    made = await client.create(
        instrument=card, amount=money_pb2.Money(amount_minor=1250, currency="EUR")
    )
    await client.create()
    assert (made.brand, made.last4) == ("amex", "0005")
    for asked in (
        {"last4": "0005"},
        {"amount_minor": 1250},
        {"amount_minor": 1250, "currency": "EUR", "last4": "0005", "state": made.state},
    ):
        listed = await client.call("ListPayments", **asked)
        assert [payment.id for payment in listed.data] == [made.id], asked
        assert not (await client.call("ListPayments", merchant="mer_2", **asked)).data
    assert not (await client.call("ListPayments", amount_minor=1250, disputed=True)).data
    assert (await client.call("ListPayments", amount_minor=1250, disputed=False)).data
    assert not (await client.call("ListPayments", amount_minor=1250, currency="USD")).data
    assert not (await client.call("ListPayments", amount_minor=1250, last4="4242")).data
    for wrong in ({"last4": "42"}, {"last4": "4%42"}, {"amount_minor": 0}):
        assert (await client.refused("ListPayments", **wrong))[0] is Kind.INVALID, wrong


async def test_other_merchants_find_nothing(client: GrpcClient):
    made = await client.create(capture=pb.CAPTURE_MODE_MANUAL)
    not_found = (Kind.NOT_FOUND, "payment_not_found")
    foreign: dict[str, Any] = {"merchant": "mer_2", "payment_id": made.id}
    assert await client.refused("GetPayment", **foreign) == not_found
    assert await client.refused("CapturePayment", key="1", **foreign) == not_found
    assert await client.refused("CancelPayment", key="2", **foreign) == not_found
    assert await client.refused("RefundPayment", key="3", **foreign) == not_found
    assert await client.refused("LowerPayment", amount=EUR_59_90, **foreign) == not_found
    assert await client.refused("RefreshPayment", **foreign) == not_found
    assert not (await client.call("ListPayments", merchant="mer_2")).data
    assert not (await client.call("ListPspAccounts", merchant="mer_2")).data


@pytest.mark.parametrize(
    ("rpc", "amount", "wanted"),
    [
        ("CapturePayment", None, (Kind.CONFLICT, "payment_not_capturable")),
        ("RefundPayment", (6000, "EUR"), (Kind.UNPROCESSABLE, "refund_too_large")),
        ("RefundPayment", (100, "USD"), (Kind.UNPROCESSABLE, "currency_mismatch")),
    ],
)
async def test_operations_on_a_captured_payment_are_refused_with_their_reason(
    client: GrpcClient, rpc, amount, wanted
):
    made = await client.create()
    fields = (
        {"amount": money_pb2.Money(amount_minor=amount[0], currency=amount[1])} if amount else {}
    )
    assert await client.refused(rpc, key="k", payment_id=made.id, **fields) == wanted


async def test_operations_on_an_authorised_payment_are_refused_with_their_reason(
    client: GrpcClient,
):
    held = await client.create(capture=pb.CAPTURE_MODE_MANUAL)
    too_much = money_pb2.Money(amount_minor=6000, currency="EUR")
    assert await client.refused("CapturePayment", key="1", payment_id=held.id, amount=too_much) == (
        Kind.UNPROCESSABLE,
        "capture_too_large",
    )
    assert await client.refused("RefundPayment", key="2", payment_id=held.id) == (
        Kind.CONFLICT,
        "payment_not_refundable",
    )
    client.world.a.plan(CANCEL, Fault.NEVER_ARRIVED)
    await client.call("CancelPayment", key="3", payment_id=held.id)
    assert await client.refused("CapturePayment", key="4", payment_id=held.id) == (
        Kind.CONFLICT,
        "payment_not_capturable",
    )


async def test_a_delayed_capture_needs_its_delay(client: GrpcClient):
    with pytest.raises(RemoteRefusal) as caught:
        await client.create(capture=pb.CAPTURE_MODE_DELAYED)
    assert caught.value.reason == "invalid_argument"
    assert [violation.field for violation in caught.value.violations] == ["capture_delay_seconds"]


async def test_a_charge_needs_a_key_and_an_account(client: GrpcClient):
    with pytest.raises(RemoteRefusal) as caught:
        await client.create(key="")
    assert caught.value.reason == "idempotency_key_missing"
    nowhere = pb.InstrumentToken(psp_account="nowhere", token="tok")
    with pytest.raises(RemoteRefusal) as caught:
        await client.create(instrument=pb.Instrument(instrument_id="ins_1", tokens=[nowhere]))
    assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, "psp_account_not_found")
    await client.call("UpdateRouting", routing=routing("b"))
    with pytest.raises(RemoteRefusal) as caught:
        await client.create()
    assert (caught.value.kind, caught.value.reason) == (Kind.CONFLICT, "no_psp_account")


async def test_a_call_without_a_merchant_is_refused(client: GrpcClient):
    assert await client.refused("GetPayment", merchant="", payment_id="pay_1") == (
        Kind.UNAUTHENTICATED,
        "merchant_missing",
    )
