"""Payments in the console: found by what a customer can read out."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import SCOPES, Role
from tests.services.console.answers import answers
from tests.services.console.conftest import Console
from tests.services.console.samples import EXCEPTION_ID, PAYMENT_ID, TRACE, payment, stamp


def wanted(console: Console) -> list[Any]:
    seen = console.services.seen
    return [each.request for each in seen if each.name == "ListPayments"]


async def test_four_digits_are_searched_as_an_order_and_as_a_card(console: Console):
    def answer(request: payments_pb2.ListPaymentsRequest) -> payments_pb2.ListPaymentsResponse:
        number = 2 if request.last4 else 1
        found = payment(id=f"pay_{number}", order_reference=f"order {number}")
        return payments_pb2.ListPaymentsResponse(data=[found])

    console.services.answers["ListPayments"] = answer
    page = await console.page("/search?q=4242")
    asked = {(one.order_reference, one.last4) for one in wanted(console)}  # in any order
    assert asked == {("4242", ""), ("", "4242")}
    assert page.index("order 2") < page.index("order 1")
    assert 'href="/payments?last4=4242"' in page


async def test_an_amount_is_searched_for_in_minor_units(console: Console):
    page = await console.page("/search?q=" + quote("12,50"))
    asked = {(one.order_reference, one.amount_minor, one.currency) for one in wanted(console)}
    assert asked == {("12,50", 0, ""), ("", 1250, "EUR")}
    assert page.count("A-1001") == 1  # found by both filters, shown once
    assert 'href="/payments?amount=12%2C50"' in page
    lines = console.services.last("ListBankLines").request
    assert (lines.amount_minor, lines.currency) == (1250, "EUR")


async def test_the_list_is_filtered_by_card_amount_and_days_in_the_shops_time_zone(
    console: Console,
):
    query = (
        "last4=%E2%80%A2%E2%80%A2%204242&amount=12,5&created_from=2026-11-01&created_to=2026-11-30"
    )
    page = await console.page(f"/payments?state=captured&{query}")
    [asked] = wanted(console)
    assert asked.state == payments_pb2.Payment.STATE_CAPTURED
    assert (asked.last4, asked.amount_minor, asked.currency) == ("4242", 1250, "EUR")
    assert asked.created_from == Timestamp(seconds=1793487600)  # midnight in Rome
    assert asked.created_to == Timestamp(seconds=1796079600)  # the end of the last day
    assert "<details" in page
    assert "open>" in page
    assert "state=declined" in page  # the other states, with the same filters
    assert page.count("created_to=2026-11-30") >= 6


async def test_disputed_payments_are_filtered_like_a_state(console: Console):
    await console.page("/payments?state=disputed")
    [asked] = wanted(console)
    assert asked.disputed
    assert not asked.state
    await console.page("/payments")
    assert not wanted(console)[-1].HasField("disputed")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("amount=lots", "Not an amount"),
        ("created_from=yesterday", "Not a date"),
        ("created_to=9999-12-31", "Not a date"),
    ],
)
async def test_an_unreadable_filter_is_explained_at_its_field(
    console: Console, query: str, expected: str
):
    page = await console.page(f"/payments?{query}")
    assert expected in page
    assert 'aria-invalid="true"' in page
    assert wanted(console) == []


async def test_a_payments_history_is_shown_from_checkout_to_bank_line(console: Console):
    at = stamp(datetime(2026, 11, 27, 22, 30, tzinfo=UTC))  # still the 27th in Rome
    answer = payments_pb2.GetPaymentResponse(payment=payment(created_at=at))
    console.services.answers["GetPayment"] = answer
    page = await console.page(f"/payments/{PAYMENT_ID}")
    expected = (
        "Payment begun",
        "Settled by the provider",
        "less €2.15 fee",
        "In a payout",
        "po_1",
        "On the bank account",
        "Fee differs",
    )
    assert sorted(expected, key=page.index) == list(expected)
    for path in (
        "/reconciliation/imports/imp_1",
        "/reconciliation/imports/imp_2",
        f"/reconciliation/exceptions/{EXCEPTION_ID}",
        f"/entries?payment_id={PAYMENT_ID}",
        f"/entries?trace_id={TRACE}",
    ):
        assert f'href="{path}"' in page
    assert console.services.last("GetPaymentTrail").request.payment_id == PAYMENT_ID


async def test_a_member_without_access_to_the_books_sees_the_payment_without_them(console: Console):
    hidden = {"reports:read", "reconciliation:read"}
    console.services.answers |= answers(SCOPES[Role.OWNER] - hidden)
    page = await console.page(f"/payments/{PAYMENT_ID}")
    assert "Payment begun" in page
    assert "Settled by the provider" not in page
    assert console.services.calls("GetPaymentTrail") == 0


async def test_a_refused_capture_is_shown_on_the_payments_page(console: Console):
    refusal = RemoteRefusal(Kind.CONFLICT, "payment_not_capturable", "It was cancelled.")
    console.services.answers["CapturePayment"] = refusal
    status, _, page = await console.post(f"/payments/{PAYMENT_ID}/capture", {})
    assert status == 409
    assert "Settled by the provider" in page
