"""Limits as pure rules."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import rates
from libs.money import Money
from services.oneclick.errors import ChargeLimitExceeded, DailyLimitExceeded, VelocityExceeded
from services.oneclick.rules import spending
from services.oneclick.rules.spending import Policy, Spending

CURRENCIES = ("EUR", "HUF", "JPY", "KWD", "USD")
amounts = st.builds(Money, st.integers(1, 10**12), st.sampled_from(CURRENCIES))
policies = st.builds(
    Policy,
    max_charge=amounts,
    max_daily=amounts,
    max_hourly_charges=st.integers(1, 1000),
    grace_seconds=st.integers(1, 604800),
)


@given(policies, amounts)
def test_a_single_charge_is_allowed_up_to_its_limit(policy: Policy, amount: Money):
    worth = rates.about(amount, policy.max_charge.currency)
    assert spending.fits(policy, amount) == (worth.amount_minor <= policy.max_charge.amount_minor)


@given(policies, st.lists(amounts, max_size=30))
def test_whatever_is_charged_one_after_the_other_stays_within_both_limits(policy, wanted):
    """In any mix of currencies."""
    daily: list[Money] = []

    def worth(charged: list[Money]) -> int:
        return sum(rates.about(m, policy.max_daily.currency).amount_minor for m in charged)

    for amount in wanted:
        try:
            spending.check_spending(policy, Spending(daily, len(daily)), amount)
        except DailyLimitExceeded:
            assert worth([*daily, amount]) > policy.max_daily.amount_minor
        except VelocityExceeded:
            assert len(daily) == policy.max_hourly_charges
        else:
            daily.append(amount)
    assert worth(daily) <= policy.max_daily.amount_minor
    assert len(daily) <= policy.max_hourly_charges


def test_the_limit_itself_is_allowed():
    policy = replace(spending.DEFAULT, max_charge=Money(100, "EUR"), max_daily=Money(200, "EUR"))
    spending.check_charge(policy, Money(100, "EUR"))
    spending.check_spending(policy, Spending([Money(100, "EUR")], 1), Money(100, "EUR"))


@pytest.mark.parametrize(
    "amount",
    [
        Money(1_500_000, "HUF"),
        Money(120_000, "CZK"),
        Money(90_000_000, "IDR"),
        Money(60_000, "JPY"),
        Money(60_000, "KWD"),
    ],
    ids=str,
)
def test_everyday_amounts_of_every_currency_pass_by_default(amount: Money):
    spending.check_charge(spending.DEFAULT, amount)
    spending.check_spending(spending.DEFAULT, Spending((), 0), amount)


def test_a_refusal_names_the_limit_and_the_currency():
    with pytest.raises(ChargeLimitExceeded) as refused:
        spending.check_charge(spending.DEFAULT, Money(50_001, "EUR"))
    assert refused.value.message == (
        "A single one-click charge is limited to 500.00 EUR; this one would make it 500.01 EUR."
    )
    with pytest.raises(DailyLimitExceeded) as refused:
        spending.check_spending(
            spending.DEFAULT, Spending([Money(140_000, "EUR")], 1), Money(20_000, "JPY")
        )
    assert "limited to 1500.00 EUR" in refused.value.message
    assert "about (reference rates of 2026-10-30) 1513.64 EUR" in refused.value.message


def test_a_currency_without_a_rate_is_refused_unless_the_limit_uses_it():
    with pytest.raises(ChargeLimitExceeded) as refused:
        spending.check_charge(spending.DEFAULT, Money(1, "UYI"))
    assert "UYI cannot be compared" in refused.value.message
    spending.check_charge(replace(spending.DEFAULT, max_charge=Money(5, "UYI")), Money(5, "UYI"))
