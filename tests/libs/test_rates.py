"""Reference rates: complete, dated, and exact if no conversion is needed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import rates
from libs.money import Money, exponent, is_currency
from libs.rates import NoRateError

CURRENCIES = [row.split(",")[0] for row in rates.FILE.read_text().splitlines()[1:]]


def test_the_table_is_dated_and_lists_valid_currencies_once_each():
    assert all(is_currency(currency) for currency in CURRENCIES)
    assert len(CURRENCIES) == len(set(CURRENCIES)) > 150
    assert date(2026, 1, 1) < rates.AS_OF


@pytest.mark.parametrize(
    ("amount", "least", "most"),
    [
        (Money(1_500_000, "HUF"), 35_00, 45_00),
        (Money(120_000, "CZK"), 45_00, 55_00),
        (Money(90_000_000, "IDR"), 40_00, 50_00),
        (Money(60_000, "JPY"), 300_00, 400_00),
        (Money(60_000, "KWD"), 150_00, 200_00),
        (Money(50_000, "EUR"), 500_00, 500_00),
    ],
    ids=str,
)
def test_everyday_amounts_are_converted_plausibly(amount, least, most):
    assert least <= rates.about(amount, "EUR").amount_minor <= most


@given(st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES), st.integers(1, 10**12))
def test_there_and_back_is_never_less(one, other, amount_minor):
    amount = Money(amount_minor, one)
    back = rates.about(rates.about(amount, other), one)
    assert back.amount_minor >= amount_minor
    assert exponent(rates.about(amount, other).currency) == exponent(other)


def test_a_currency_without_a_rate_converts_only_to_itself():
    assert rates.about(Money(5, "UYI"), "UYI") == Money(5, "UYI")
    for amount, currency in ((Money(5, "UYI"), "EUR"), (Money(5, "EUR"), "UYI")):
        with pytest.raises(NoRateError) as wrong:
            rates.about(amount, currency)
        assert wrong.value.currency == "UYI"
    assert not rates.is_known("UYI")
