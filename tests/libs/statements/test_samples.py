"""Third parties' sample files, if they are next to the checkout: they are not part of it."""

import pytest

from tests.libs.statements.files import contents, entries, refusal
from tests.tidy.sources import ROOT

SAMPLES = ROOT.parent / "shared" / "data"
# Each statement's account, opening and closing balance, and sum of booked entries, as the file states them.
STATED = {
    "camt/camt053.v2.multi.statement.xml": [
        ("NL26VAYB8060476890", 1815, 2700, 885),
        ("NL26VAYB8060476890", 2700, 2000, -700),
    ],
    "camt/camt053.v2.with-account-name.xml": [("CH2801234000123456789", None, None, 885)],
    "camt/camt053.v4.xml": [("NL26VAYB8060476890", 1815, -2700, 885)],
    "camt/camt053_duplicate_same_day.xml": [("DE89370400440532013000", None, None, -900)],
    "camt/camt053_no_namespace.xml": [("GB29NWBK60161331926819", 10000, 35000, 25000)],
    "mt940/mbank.sta": [("PL29114010810000267002001002", 40, 43, 3)],
    "mt940/rabobank-iban.sta": [
        ("NL71RABO0123456789", 100000, 96500, -3500),
        ("NL71RABO0123456789", 96500, 93000, -3500),
    ],
    "mt940/raphaelm.sta": [
        ("1222333444", 0, 10500000, 10500000),
        ("1222333444", 10500000, 14500000, 4000000),
        ("3346780111", 14500000, 9500000, -5000000),
    ],
}


def sample(name: str) -> bytes:
    if not (SAMPLES / name).exists():
        pytest.skip("the sample is not here")
    return (SAMPLES / name).read_bytes()


@pytest.mark.parametrize("name", STATED)
def test_a_sample_has_its_stated_balances(name: str):
    found = contents(sample(name)).statements
    stated = [
        (
            each.heading.account,
            each.opening.amount_minor if each.opening else None,
            each.closing.amount_minor if each.closing else None,
            sum(total.credits_minor - total.debits_minor for total in each.totals),
        )
        for each in found
    ]
    assert stated == STATED[name]


def test_two_equal_bookings_of_one_day_have_distinct_ids():
    found = entries(sample("camt/camt053_duplicate_same_day.xml"))
    assert len({each.id for each in found}) == len(found) == 2


def test_equal_bookings_on_two_pages_have_distinct_ids():
    found = entries(sample("mt940/raphaelm.sta"))
    assert len({each.id for each in found}) == len(found) == 9


def test_a_sample_whose_balances_do_not_add_up_is_refused():
    found = refusal(sample("mt940/ing.sta"))
    assert found.line == 26
    assert "0.00 EUR and its entries make -45.59 EUR, but it closes at 3.47 EUR" in found.reason
