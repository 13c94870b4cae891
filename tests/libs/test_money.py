import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.money import CurrencyMismatchError, Money, exponent, is_currency


@given(st.integers(-(10**12), 10**12), st.integers(1, 100))
def test_parts_of_a_split_sum_to_the_whole_and_differ_by_one_unit_at_most(amount, parts):
    split = Money(amount, "EUR").split(parts)
    assert sum(part.amount_minor for part in split) == amount
    assert max(split, key=_amount).amount_minor - min(split, key=_amount).amount_minor <= 1


def _amount(money):
    return money.amount_minor


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (5990, "EUR", "59.90 EUR"),
        (500, "JPY", "500 JPY"),
        (1234, "KWD", "1.234 KWD"),
        (-5, "EUR", "-0.05 EUR"),
    ],
)
def test_money_is_written_with_its_currencys_decimals(amount, currency, text):
    assert str(Money(amount, currency)) == text


def test_currencies_are_those_of_iso_4217():
    assert (exponent("JPY"), exponent("KWD"), exponent("EUR")) == (0, 3, 2)
    assert not is_currency("eur")
    assert not is_currency("XXX")
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, "LIT")


def test_currencies_do_not_mix():
    with pytest.raises(CurrencyMismatchError):
        Money(1, "EUR") + Money(1, "USD")
    assert Money(3, "EUR") - Money(1, "EUR") == Money(2, "EUR")
