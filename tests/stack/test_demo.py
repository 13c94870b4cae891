"""The demo's own verdict: it detects broken promises, differing books and gaps in a trace."""

import io

import pytest
from rich.console import Console

from stack.demo import compare, play, strays, unreferenced
from stack.journey_report import JourneyReport, expect
from stack.ledger import Ledger, compared, owed_by_books, print_ledger, unbalanced
from stack.shop import Answer, JourneyFailedError
from stack.traces import missing_parts, tree

CHARGE = {"captured_minor": 5990, "refunded_minor": 0}
PAYMENT = {"id": "pay_1", "psp_reference": "ch_1", **CHARGE}


def span(number: int, service: str, name: str, parent: int | None = None) -> dict:
    return {
        "span_id": str(number),
        "parent_id": None if parent is None else str(parent),
        "service": service,
        "name": name,
        "start_unix_nano": number,
        "duration_ms": 1.0,
        "attributes": {},
    }


ROAD = [
    span(1, "gateway", "POST /v1/one-click-payments"),
    span(2, "oneclick", "CreateOneClickPayment", 1),
    span(3, "payments", "CreatePayment", 2),
    span(4, "payments", "SQL insert_payment", 3),
    span(5, "sandbox", "sandbox POST /charges", 3),
    span(6, "payments", "publish incasso.payments.payment.captured", 3),
]


def test_equal_books_have_no_difference():
    assert compare(PAYMENT, dict(CHARGE)) == []


def test_a_charge_unknown_to_the_psp_is_a_difference():
    assert compare(PAYMENT, None) == ["pay_1: the PSP does not know ch_1"]


def test_a_differing_amount_is_named():
    row = {**CHARGE, "captured_minor": 11980}
    assert compare(PAYMENT, row) == ["pay_1: captured_minor is 5990 here and 11980 at the PSP"]


def test_captured_money_without_a_psp_reference_is_a_difference():
    nowhere = {"id": "pay_2", "captured_minor": 100}
    declined = {"id": "pay_3", "captured_minor": 0}
    assert unreferenced([PAYMENT, nowhere, declined]) == [
        "pay_2: captured 100 without a PSP reference"
    ]


def test_a_second_charge_of_an_order_is_a_difference():
    books = {
        "ch_1": {**CHARGE, "reference": "D-run-1"},
        "ch_2": {**CHARGE, "reference": "D-run-1"},
        "ch_3": {"captured_minor": 0, "refunded_minor": 0, "reference": "D-run-2"},
        "ch_4": {**CHARGE, "reference": "D-other-1"},
    }
    assert strays(books, "run", {"ch_1"}) == [
        "the PSP took 5990 for D-run-1 in a charge of no payment"
    ]


async def test_a_broken_promise_is_reported_and_not_raised():
    async def broken(_shop) -> JourneyReport:
        """The promise"""
        expect({"state": "declined"}, state="captured")
        raise AssertionError

    result = await play(broken, shop=None)
    assert not result.held
    assert "state is 'declined', expected 'captured'" in result.what


def test_an_unexpected_status_is_a_broken_promise():
    with pytest.raises(JourneyFailedError, match="expected HTTP 201, got 500"):
        Answer(500, {}, "").expect(201)


def test_a_complete_trace_has_no_missing_parts():
    assert missing_parts(ROAD) == []


@pytest.mark.parametrize(
    ("gone", "part"), [(1, "gateway"), (4, "SQL"), (5, "PSP"), (6, "outbox and NATS")]
)
def test_a_gap_in_the_trace_is_named(gone: int, part: str):
    assert missing_parts([span for span in ROAD if span["span_id"] != str(gone)]) == [part]


def test_the_tree_indents_children_under_their_parents():
    out = io.StringIO()
    Console(file=out, width=100).print(tree("abc", ROAD))
    lines = [line.replace("│", " ") for line in out.getvalue().splitlines()]
    depths = {line.split()[1]: len(line) - len(line.lstrip(" ")) for line in lines[1:]}
    assert depths["gateway"] < depths["oneclick"] < depths["sandbox"]


def test_the_sandboxs_books_are_compared_with_the_ledger_by_account():
    row = {"currency": "EUR", "captured_minor": 5990, "refunded_minor": 1000, "disputed_minor": 90}
    charges = [{**row, "account": account} for account in ("a-lender", "a-lender", "a")]
    books = owed_by_books(charges, {"a-lender": "a"})
    assert books == {"a EUR": 9800}
    assert compared({"a EUR": 9800, "stripe EUR": 7}, books) == []
    assert compared({}, books) == ["a EUR owes 0 in the ledger but 9800 in its own books"]


def test_an_unbalanced_ledger_is_detected_and_printed():
    total = {"currency": "EUR", "debit_minor": 100, "credit_minor": 90}
    clearing = {"account": "instalments_clearing", "balance_minor": -5, "currency": "EUR"}
    found = unbalanced({"totals": [total], "data": [clearing]})
    assert found == [
        "debits of 100 and credits of 90 EUR",
        "plans and their payments differ by -5 EUR",
    ]
    out = io.StringIO()
    row = {**total, "account": "bank_in_transit", "party": "cou_1", "balance_minor": 10}
    print_ledger(Console(file=out, width=100), "Trial balance", Ledger([row], [total], {}, found))
    assert "bank in transit" in out.getvalue()
    assert "differ by" in out.getvalue()
