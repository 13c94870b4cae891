"""The console's pure rules."""

from datetime import UTC, date, datetime, timedelta

import pytest

from libs.money import Money
from services.console.rules import charts
from services.console.rules.amounts import amount_of
from services.console.rules.asked import amount_in, amount_in_field, last4_of
from services.console.rules.contacts import Contact, contact_of
from services.console.rules.fields import basis_points_of, minor_of, percent_of
from services.console.rules.lists import moved, names_of, numbers_of, words_of
from services.console.rules.onward import onward
from services.console.rules.proving import needs_proof, proof_is_fresh
from services.console.rules.sales import Sales, by_method, daily, read


@pytest.mark.parametrize(
    "asked", ["/", "/payments", "/payments?state=captured&cursor=a%3D", "/search?q=anna%40x.it"]
)
def test_signing_in_redirects_to_the_requested_page_of_the_console(asked: str):
    assert onward(asked) == asked


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "payments",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a/../../b",
        "/a\r\nSet-Cookie: x=y",
        "/sign-in?next=/sign-in",
        "/sign-out",
        "/@evil.example",
        "/" + "a" * 2000,
    ],
)
def test_signing_in_never_redirects_elsewhere(asked: str):
    assert onward(asked) == "/"


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12", "EUR", 1200),
        ("12,5", "EUR", 1250),
        ("12.50", "EUR", 1250),
        ("€ 12,50", "EUR", 1250),
        ("1.234,50", "EUR", 123450),
        ("1,234.50", "EUR", 123450),
        ("1.234.567", "EUR", 123456700),
        ("1 234,50", "EUR", 123450),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("1,234.567", "KWD", 1234567),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed: str, currency: str, minor: int):
    assert amount_of(typed, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "typed",
    ["", "0", "0,00", "-5", "12,505", "1.234", "1,2,3", "12.", "abc", "1e3", "12 euro", "9" * 20],
)
def test_an_ambiguous_or_invalid_amount_is_not_guessed(typed: str):
    assert amount_of(typed, "EUR") is None


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("12,50", Money(1250, "EUR")),
        ("1.234,50", Money(123450, "EUR")),
        ("€ 12", Money(1200, "EUR")),
        ("12,50 usd", Money(1250, "USD")),
        ("JPY 5000", Money(5000, "JPY")),
        ("1250", None),  # could also be an order reference
        ("12,5", None),
        ("A-12,50", None),
        ("12 abc", None),
        ("", None),
    ],
)
def test_a_search_is_for_an_amount_only_if_it_clearly_is_one(typed: str, amount: Money | None):
    assert amount_in(typed, "EUR") == amount


def test_an_amount_field_also_reads_amounts_that_a_search_would_not():
    assert amount_in_field("1250", "EUR") == Money(125000, "EUR")
    assert amount_in_field("5000", "JPY") == Money(5000, "JPY")
    assert amount_in_field("5000 JPY", "EUR") == Money(5000, "JPY")
    assert amount_in_field("order", "EUR") is None


@pytest.mark.parametrize(
    ("typed", "last4"),
    [
        ("4242", "4242"),
        (" •••• 4242 ", "4242"),
        ("Visa •••• 4242", "4242"),
        ("**** **** **** 4242", "4242"),
        ("xxxx4242", "4242"),
        ("42424", ""),
        ("A-4242", ""),
        ("4242 4242 4242 4242", ""),
        ("12,50", ""),
    ],
)
def test_the_last_four_digits_are_read_as_receipts_print_them(typed: str, last4: str):
    assert last4_of(typed) == last4


def test_a_contact_is_an_email_address_a_phone_number_or_empty():
    assert contact_of(" giulia@example.com ") == Contact(email="giulia@example.com")
    assert contact_of("333 123 4567") == Contact(phone="+393331234567")
    assert contact_of("+44 7700 900123") == Contact(phone="+447700900123")
    assert contact_of("0044 7700 900123") == Contact(phone="+447700900123")
    assert contact_of("") == Contact()
    assert contact_of("giulia") is None


def test_a_large_refund_needs_a_fresh_proof_of_identity():
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert not needs_proof(Money(10000, "EUR"))
    assert needs_proof(Money(10001, "EUR"))
    assert needs_proof(Money(101, "JPY"))
    assert proof_is_fresh(now - timedelta(minutes=9), now)
    assert not proof_is_fresh(now - timedelta(minutes=10), now)


def test_days_without_sales_are_included():
    today = date(2026, 11, 27)
    row = {
        "day": "2026-11-26",
        "method": "link",
        "currency": "EUR",
        "gross": "12.50",
        "refunds": "-2.00",
    }
    days = daily([read(row)], today, 3)
    assert [(one.day.day, one.gross_minor, one.net_minor) for one in days] == [
        (25, 0, 0),
        (26, 1250, 1050),
        (27, 0, 0),
    ]


def test_methods_are_ranked_with_their_share():
    on = date(2026, 11, 27)
    found = by_method(
        [Sales(on, "link", 300, 0), Sales(on, "cod", 500, 0), Sales(on, "link", 200, 0)]
    )
    assert [(one.method, one.gross_minor, one.basis_points) for one in found] == [
        ("cod", 500, 5000),
        ("link", 500, 5000),
    ]
    assert by_method([]) == []


def test_bars_share_a_baseline_and_scale_with_their_values():
    found = charts.columns([0, 50, 100])
    assert found.peak == 2
    assert [bar.height for bar in found.bars] == [0.0, 83.0, 166.0]
    assert all(bar.y + bar.height == charts.HEIGHT for bar in found.bars)
    assert found.bars[-1].x + found.bars[-1].width <= charts.WIDTH
    assert charts.columns([0, 0]).peak is None
    assert charts.bars([10, 5, 0]) == [100.0, 50.0, 0.0]


def test_lists_are_read_as_people_type_them():
    assert words_of("eur, CHF;eur  usd") == ["eur", "CHF", "usd"]
    assert names_of("gift cards, shoes,, shoes; ") == ["gift cards", "shoes"]
    assert numbers_of("8, 3 3") == [3, 8]
    assert numbers_of("") == []
    assert numbers_of("3, -8") is None
    assert numbers_of("3.5") is None


def test_an_item_moves_by_one_and_not_beyond_the_ends():
    assert moved("abc", 1, -1) == ["b", "a", "c"]
    assert moved("abc", 1, 1) == ["a", "c", "b"]
    assert moved("abc", 0, -1) == moved("abc", 2, 1) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("typed", "basis_points"),
    [("9,99", 999), ("9.9", 990), ("20 %", 2000), ("", 0), ("0", 0), ("100", 10_000)],
)
def test_a_percentage_is_read_into_basis_points(typed: str, basis_points: int):
    assert basis_points_of(typed) == basis_points
    assert basis_points_of(percent_of(basis_points)) == basis_points


@pytest.mark.parametrize("typed", ["9.999", "-1", "1000", "1,000.5", "nine"])
def test_an_invalid_percentage_is_not_guessed(typed: str):
    assert basis_points_of(typed) is None


def test_an_empty_amount_is_zero():
    assert [minor_of(text, "EUR") for text in ("", "0", "0,00", "2,50")] == [0, 0, 0, 250]
    assert minor_of("two", "EUR") is None
