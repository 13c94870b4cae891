"""Limits as pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oneclick import limits
from services.oneclick.errors import ChargeLimitExceeded, DailyLimitExceeded, VelocityExceeded
from services.oneclick.limits import Policy, Spending

amounts = st.integers(1, 10**12)
policies = st.builds(
    Policy,
    max_charge_minor=amounts,
    max_daily_minor=amounts,
    max_hourly_charges=st.integers(1, 1000),
    grace_seconds=st.integers(1, 604800),
)


@given(policies, amounts)
def test_a_single_charge_is_allowed_up_to_its_limit(policy: Policy, amount_minor: int):
    if amount_minor <= policy.max_charge_minor:
        limits.check_charge(policy, amount_minor)
    else:
        with pytest.raises(ChargeLimitExceeded):
            limits.check_charge(policy, amount_minor)


@given(policies, st.lists(amounts, max_size=30))
def test_whatever_is_charged_one_after_the_other_stays_within_both_limits(policy, wanted):
    daily_minor = hourly_charges = 0
    for amount_minor in wanted:
        before = Spending(daily_minor, hourly_charges)
        try:
            limits.check_spending(policy, before, amount_minor)
        except DailyLimitExceeded:
            assert daily_minor + amount_minor > policy.max_daily_minor
        except VelocityExceeded:
            assert hourly_charges == policy.max_hourly_charges
        else:
            daily_minor += amount_minor
            hourly_charges += 1
    assert daily_minor <= policy.max_daily_minor
    assert hourly_charges <= policy.max_hourly_charges


def test_the_limit_itself_is_allowed():
    policy = Policy(max_charge_minor=100, max_daily_minor=200, max_hourly_charges=2)
    limits.check_charge(policy, 100)
    limits.check_spending(policy, Spending(100, 1), 100)
