"""The verdict of the demo's last act: it names errors not found or not planted, and what exceptions explain."""

import io

from rich.console import Console

from stack.day_end import PLANTED, DayEnd, Imported, left_open, misnamed
from stack.day_end_report import print_day_end

LINE = {"stage": "psp", "party": "a", "currency": "EUR", "theirs_id": "stl_1"}


def test_exactly_the_planted_errors_are_accepted():
    assert misnamed([{"type": name} for name in PLANTED]) == []


def test_a_misnamed_error_is_reported_as_missing_and_as_unplanted():
    found = [{"type": name} for name in PLANTED if name != "late"] + [{"type": "ambiguous"}]
    assert misnamed(found) == [
        "1 planted late not found",
        "1 ambiguous found but not planted",
    ]


def test_exceptions_explain_the_remaining_receivables():
    exceptions = [
        {**LINE, "type": "amount_differs", "amount_minor": 6090, "expected_minor": 5990},
        {**LINE, "type": "unknown_charge", "amount_minor": 1234},
        {
            **LINE,
            "type": "currency_differs",
            "currency": "USD",
            "amount_minor": 700,
            "expected_minor": 700,
        },
        {**LINE, "type": "fee_differs", "amount_minor": 99, "expected_minor": 49},
        {**LINE, "stage": "bank", "type": "unknown_credit", "amount_minor": 4711},
    ]
    assert left_open(exceptions) == {"a EUR": -100 - 1234 + 700, "a USD": -700}


def test_the_end_of_day_is_printed_with_matches_and_exceptions():
    exception = {**LINE, "type": "amount_differs", "amount_minor": 6090, "expected_minor": 5990}
    exception |= {"order_reference": "A-1", "trace_id": "abc"}
    files = [Imported("a.csv", "stripe.payout_reconciliation", ["stl_1", "stl_2"])]
    found = DayEnd(files, {"stl_2": "reference"}, [exception], ["stl_3 is lost"], "http://trace")
    out = io.StringIO()
    print_day_end(Console(file=out, width=120), found)
    for text in ("reference 1", "amount differs", "€60.90", "stl_3 is lost", "http://trace"):
        assert text in out.getvalue()
