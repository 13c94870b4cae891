import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.money import Money
from libs.sheets.cells import AmountStyle, written
from services.cod.rules.fees import Charged, Deposit, Fee, Tier, charged, deposit_of

MINOR = st.integers(0, 999_999_999_999)
TIERED = Fee((Tier(fixed_minor=5_00), Tier(50_00, fixed_minor=3_00), Tier(200_00)), 2200)


@pytest.mark.parametrize(
    ("fee", "price", "expected"),
    [
        (Fee(), 100_00, Charged(0, 0, 0)),
        (Fee((Tier(fixed_minor=1_00),), 2000), 9_90 + 1_90, Charged(1_00, 83, 17)),
        (Fee((Tier(fixed_minor=6_00),), 2200), 100_00, Charged(6_00, 4_92, 1_08)),
        (Fee((Tier(basis_points=200),), 0), 123_45, Charged(2_47, 2_47, 0)),
        (Fee((Tier(100_00, fixed_minor=1_00),), 0), 99_99, Charged(0, 0, 0)),
        (TIERED, 49_99, Charged(5_00, 4_10, 90)),
        (TIERED, 50_00, Charged(3_00, 2_46, 54)),
        (TIERED, 200_00, Charged(0, 0, 0)),
    ],
)
def test_a_fee_is_that_of_the_highest_tier_reached_by_the_price(fee, price, expected):
    assert charged(fee, price) == expected


@given(MINOR, st.integers(0, 10_000), st.integers(0, 5_000), MINOR)
def test_net_and_vat_are_the_fee(fixed, share, vat, price):
    found = charged(Fee((Tier(0, fixed, share),), vat), price)
    assert found.net_minor + found.vat_minor == found.fee_minor
    assert 0 <= found.vat_minor <= found.fee_minor


@pytest.mark.parametrize(
    ("deposit", "total", "expected"),
    [
        (Deposit(), 100_00, 0),
        (Deposit(basis_points=3000), 100_01, 30_00),
        (Deposit(fixed_minor=20_00), 100_00, 20_00),
        (Deposit(fixed_minor=20_00), 15_00, 15_00),
        (Deposit(fixed_minor=20_00, from_minor=300_00), 299_99, 0),
        (Deposit(fixed_minor=20_00, from_minor=300_00), 300_00, 20_00),
    ],
)
def test_a_deposit_follows_its_rule_and_never_exceeds_the_total(deposit, total, expected):
    assert deposit_of(deposit, total) == expected


@pytest.mark.parametrize(
    ("amount", "style", "text"),
    [
        (Money(25_50, "EUR"), AmountStyle.COMMA, "25,50"),
        (Money(25_50, "EUR"), AmountStyle.POINT, "25.50"),
        (Money(25_50, "EUR"), AmountStyle.MINOR, "2550"),
        (Money(1_234_567_05, "EUR"), AmountStyle.COMMA, "1234567,05"),
        (Money(5, "EUR"), AmountStyle.COMMA, "0,05"),
        (Money(500, "JPY"), AmountStyle.COMMA, "500"),
        (Money(1_500, "KWD"), AmountStyle.POINT, "1.500"),
    ],
)
def test_amounts_are_written_in_the_couriers_style(amount, style, text):
    assert written(amount, style) == text
