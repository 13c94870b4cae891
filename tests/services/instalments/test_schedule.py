"""Schedules, exact to the minor unit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from libs.money import Money
from libs.taeg import NoRateError, rounded
from services.instalments.rules import schedule, taeg
from services.instalments.rules.schedule import Schedule, TooSmallError
from services.instalments.rules.terms import Bearer, Frequency, Remainder, Terms, Unit
from tests.services.instalments.given import MONTHLY, terms_of

TODAY = date(2026, 11, 26)
FIRST, LAST = Remainder.FIRST, Remainder.LAST


def planned(terms: Terms, amount: int) -> Schedule:
    return schedule.planned(terms, Money(amount, terms.currency), TODAY)


def totals(terms: Terms, amount: int) -> list[int]:
    return [part.total_minor for part in planned(terms, amount).parts]


@pytest.mark.parametrize(
    ("amount", "remainder", "parts"),
    [
        (5_47, LAST, [1_82, 1_82, 1_83]),
        (5_47, FIRST, [1_83, 1_82, 1_82]),
        (100_00, LAST, [33_33, 33_33, 33_34]),
        (30_000_00, LAST, [10_000_00] * 3),
        (160_02, FIRST, [53_34] * 3),
        (5, LAST, [1, 2, 2]),
        (3, LAST, [1, 1, 1]),
    ],
)
def test_parts_sum_to_the_amount_and_differ_by_at_most_one_unit(amount, remainder, parts):
    assert totals(terms_of(remainder=remainder), amount) == parts


@pytest.mark.parametrize(("amount", "currency"), [(2, "EUR"), (1, "JPY"), (2, "KWD")])
def test_an_amount_too_small_for_its_payments_is_refused(amount: int, currency: str):
    with pytest.raises(TooSmallError):
        planned(terms_of(currency=currency), amount)


def test_a_36_month_loan_matches_the_annuity_formula():
    """100,000.00 at 9.99 %: 100,000 * 0.008325 / (1 - 1.008325^-36) = 3,226.25."""
    rate = schedule.period_rate(999, MONTHLY)
    paid = schedule.amortised(100_000_00, rate, 36, LAST, first_at_once=False)
    assert {principal + interest for principal, interest in paid[:-1]} == {3_226_25}
    assert abs(sum(paid[-1]) - 3_226_25) <= 36
    assert paid[0] == (2_393_75, 832_50)  # a month's interest on 100,000.00
    assert sum(principal for principal, _ in paid) == 100_000_00


def test_a_down_payment_bears_no_interest_and_the_rest_is_amortised():
    """30 % of 1,000.00 now; 700.00 at 12 % in two: 700 * 0.01 / (1 - 1.01^-2) = 355.26."""
    terms = terms_of(every=MONTHLY, down_payment_basis_points=3_000, interest_basis_points=1_200)
    parts = planned(terms, 1_000_00).parts
    assert [(p.principal_minor, p.interest_minor) for p in parts] == [
        (300_00, 0),
        (348_26, 7_00),
        (351_74, 3_52),
    ]


def test_without_a_down_payment_the_first_instalment_bears_no_interest():
    """1,000.00 at 12 % in three from now on: 1,000 / (1 + 1/1.01 + 1/1.01^2) = 336.66."""
    terms = terms_of(every=MONTHLY, interest_basis_points=1_200)
    parts = planned(terms, 1_000_00).parts
    assert [(p.principal_minor, p.interest_minor) for p in parts] == [
        (336_66, 0),
        (330_03, 6_63),
        (333_31, 3_33),
    ]


def test_the_first_financed_instalment_takes_the_remainder_after_a_down_payment():
    terms = terms_of(down_payment_basis_points=2_000, remainder=FIRST, payments=4)
    assert totals(terms, 100_00) == [20_00, 26_67, 26_67, 26_66]


def test_the_first_payment_has_the_upfront_fee_and_each_its_own_fee():
    terms = terms_of(upfront_fee_minor=1_00, upfront_fee_basis_points=150, payment_fee_minor=50)
    plan = planned(terms, 300_00)
    assert [part.fee_minor for part in plan.parts] == [1_00 + 4_50 + 50, 50, 50]
    assert (plan.upfront_fee_minor, plan.fees_minor) == (5_50, 7_00)
    assert plan.total_minor == 307_00


def test_fees_borne_by_the_merchant_do_not_change_the_schedule():
    terms = terms_of(upfront_fee_minor=9_00, fees_borne_by=Bearer.MERCHANT)
    assert planned(terms, 300_00) == planned(terms_of(), 300_00)
    assert schedule.fees(terms, 300_00).of(3) == 9_00


def test_the_rate_is_zero_without_charges_and_positive_with_a_fee():
    assert taeg.of(planned(terms_of(every=MONTHLY), 5_47)) == 0
    assert taeg.of(planned(terms_of(every=MONTHLY, payment_fee_minor=1), 5_47)) > 0


def test_an_upfront_fee_in_three_payments_gives_the_simulated_rate():
    """505.00 in three with a fee of 7.32: 175.65 now, then 168.34 and 168.33; 19.25 %."""
    terms = terms_of(every=MONTHLY, upfront_fee_minor=7_32, remainder=FIRST)
    plan = planned(terms, 505_00)
    assert [part.total_minor for part in plan.parts] == [175_66, 168_33, 168_33]
    assert rounded(taeg.of(plan)) == Decimal("19.3")


def test_costs_that_leave_nothing_to_finance_have_no_rate():
    with pytest.raises(NoRateError):
        taeg.of(planned(terms_of(every=MONTHLY, upfront_fee_minor=3_00), 3_00))


currencies = st.sampled_from(["EUR", "JPY", "KWD"])
frequencies = st.sampled_from(
    [MONTHLY, Frequency(Unit.WEEK, 1), Frequency(Unit.DAY, 14), Frequency(Unit.DAY, 10)]
)
free_terms = st.builds(
    terms_of,
    currency=currencies,
    payments=st.integers(1, 120),
    every=frequencies,
    remainder=st.sampled_from(Remainder),
)
costly_terms = st.builds(
    terms_of,
    currency=currencies,
    payments=st.integers(2, 120),
    every=frequencies,
    remainder=st.sampled_from(Remainder),
    down_payment_basis_points=st.none() | st.integers(1, 9_999),
    interest_basis_points=st.integers(0, 4_000),
    upfront_fee_minor=st.integers(0, 2_000),
    upfront_fee_basis_points=st.integers(0, 500),
    payment_fee_minor=st.integers(0, 300),
)
amounts = st.integers(1, 100_000_000)  # 0.01 to 1,000,000.00


@settings(max_examples=100)
@given(free_terms, amounts)
def test_free_schedules_sum_exactly_and_cost_nothing(terms: Terms, amount: int):
    if amount < terms.payments:
        with pytest.raises(TooSmallError):
            planned(terms, amount)
        return
    plan = planned(terms, amount)
    parts = [part.total_minor for part in plan.parts]
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=terms.remainder is Remainder.FIRST)
    assert taeg.of(plan) == 0


@settings(max_examples=60)
@given(costly_terms, amounts)
def test_amortisation_ends_at_nothing_and_totals_are_those_of_the_parts(terms, amount):
    try:
        plan = planned(terms, amount)
    except TooSmallError:
        return
    assert sum(part.principal_minor for part in plan.parts) == amount
    assert sum(part.total_minor for part in plan.parts) == plan.total_minor
    assert all(part.principal_minor > 0 and part.interest_minor >= 0 for part in plan.parts)
    balance = amount
    for part in plan.parts[1:]:
        balance -= plan.parts[part.number - 2].principal_minor
        assert abs(part.interest_minor - balance * plan.period_rate) <= Fraction(1, 2)
    assert balance == plan.parts[-1].principal_minor


@settings(max_examples=60)
@given(costly_terms, st.integers(1_000, 100_000_000))
def test_equal_instalments_differ_only_by_what_rounding_leaves(terms: Terms, amount: int):
    assume(terms.interest_basis_points > 0)
    try:
        plan = planned(replace(terms, remainder=LAST, upfront_fee_minor=0), amount)
    except TooSmallError:
        return
    later = [part.principal_minor + part.interest_minor for part in plan.parts[1:]]
    assert len(set(later[:-1])) <= 1
    growth = (1 + plan.period_rate) ** len(plan.parts)
    assert abs(later[-1] - later[0]) <= len(plan.parts) * growth + 1


@settings(max_examples=60)
@given(
    costly_terms,
    st.integers(10_000, 100_000_000),
    st.sampled_from(["upfront_fee_minor", "payment_fee_minor", "upfront_fee_basis_points"]),
    st.integers(1, 200),
)
def test_a_higher_fee_never_lowers_the_rate(terms: Terms, amount: int, fee: str, more: int):
    try:
        before = taeg.of(planned(terms, amount))
        after = taeg.of(planned(replace(terms, **{fee: getattr(terms, fee) + more}), amount))
    except (TooSmallError, NoRateError):
        return
    assert after >= before
