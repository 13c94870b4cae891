"""Refunds of a plan, against figures computed by hand and for every percentage and moment."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs import taeg as formula
from libs.errors import InvalidArgument
from libs.money import Money
from libs.taeg import Flow, NoRateError
from services.instalments.rules import refunds, schedule, taeg
from services.instalments.rules.refunds import Refund
from services.instalments.rules.schedule import Schedule
from tests.services.instalments.given import MONTHLY, terms_of

SIGNED = date(2026, 11, 26)


def planned(amount: int = 300_00, **changes) -> Schedule:
    terms = terms_of(**{"every": MONTHLY, **changes})
    return schedule.planned(terms, Money(amount, "EUR"), SIGNED)


def paid_until(plan: Schedule, number: int) -> dict[int, int]:
    return {part.number: part.total_minor for part in plan.parts[:number]}


def refunded(plan: Schedule, amount: int, until: int) -> Refund:
    return refunds.refund(plan, amount, paid=paid_until(plan, until))


def totals(plan: Schedule) -> list[int]:
    return [part.total_minor for part in plan.parts]


@pytest.mark.parametrize(
    ("until", "back"),
    [(0, 0), (1, 35_33), (2, 69_67), (3, 104_00)],
)
def test_refunding_a_third_returns_it_from_paid_parts_and_lowers_the_rest(until, back):
    """300.00 with 3.00 upfront and 3.00 with each payment: 106.00, 103.00, 103.00. Of 200.00:
    66.67 + 4.00, 66.66 + 2.00, 66.67 + 2.00. The excess paid is refunded.
    """
    plan = planned(upfront_fee_minor=3_00, payment_fee_minor=3_00)
    found = refunded(plan, 100_00, until)
    assert totals(plan) == [106_00, 103_00, 103_00]
    assert totals(found.schedule) == [70_67, 68_66, 68_67]
    assert found.schedule.upfront_fee_minor == 2_00
    assert found.give_back_minor == back


def test_a_refund_lowers_interest_in_proportion():
    """1,000.00 at 12 %: 336.66, 330.03 + 6.63, 333.31 + 3.33. Half of it, costs rounded down."""
    plan = planned(1_000_00, interest_basis_points=1_200)
    found = refunded(plan, 500_00, 2)
    after = [(part.principal_minor, part.interest_minor) for part in found.schedule.parts]
    assert after == [(168_33, 0), (165_02, 3_31), (166_65, 1_66)]
    assert found.give_back_minor == (336_66 - 168_33) + (330_03 + 6_63 - 165_02 - 3_31)


@pytest.mark.parametrize("until", [0, 1, 2, 3])
def test_a_full_refund_returns_everything_paid_and_leaves_nothing_due(until: int):
    plan = planned(interest_basis_points=999, upfront_fee_minor=5_00, payment_fee_minor=1_00)
    found = refunded(plan, 300_00, until)
    assert totals(found.schedule) == [0, 0, 0]
    assert found.give_back_minor == sum(totals(plan)[:until])
    with pytest.raises(InvalidArgument):
        refunded(found.schedule, 1, 0)


def test_a_refund_of_half_keeps_half_of_an_early_payment():
    """333.31 + 3.33 was paid early for 330.00: half of it is kept."""
    plan = planned(1_000_00, interest_basis_points=1_200)
    found = refunds.refund(plan, 500_00, paid={3: 330_00})
    rebate = 333_31 + 3_33 - 330_00
    assert found.kept_minor[3] == found.schedule.parts[2].total_minor - rebate // 2
    assert found.give_back_minor == 330_00 - found.kept_minor[3]


@pytest.mark.parametrize("amount", [0, -1, 300_01])
def test_a_refund_of_nothing_or_of_more_than_is_left_is_refused(amount: int):
    with pytest.raises(InvalidArgument) as no:
        refunded(planned(), amount, 1)
    assert no.value.violations[0].field == "amount.amount_minor"


plans = st.builds(
    planned,
    st.integers(20_00, 100_000_00),
    payments=st.integers(2, 24),
    interest_basis_points=st.integers(0, 2_500),
    down_payment_basis_points=st.none() | st.integers(1_000, 5_000),
    upfront_fee_minor=st.integers(0, 2_00),
    payment_fee_minor=st.integers(0, 50),
)


@settings(max_examples=50)
@given(plans, st.integers(1, 100), st.data())
def test_for_every_percentage_and_moment_everything_sums_to_the_cent(plan, percent, data):
    until = data.draw(st.integers(0, len(plan.parts)))
    amount = max(plan.amount.amount_minor * percent // 100, 1)
    found = refunded(plan, amount, until)
    now = found.schedule
    assert now.amount.amount_minor == plan.amount.amount_minor - amount
    assert sum(part.principal_minor for part in now.parts) == now.amount.amount_minor
    collected = sum(paid_until(plan, until).values())
    to_come = sum(part.total_minor for part in now.parts[until:])
    assert collected - found.give_back_minor + to_come == now.total_minor
    assert all(
        0 <= b.total_minor <= a.total_minor for a, b in zip(plan.parts, now.parts, strict=True)
    )
    share = Fraction(now.amount.amount_minor, plan.amount.amount_minor)
    assert 0 <= plan.cost_minor * share - now.cost_minor < 2 * len(plan.parts) + 1


@settings(max_examples=50)
@given(plans, st.integers(1, 99))
def test_the_rate_is_not_above_the_agreed_one_beyond_rounding(plan: Schedule, percent: int):
    """Except for rounding: with one unit less in each part it is not above."""
    amount = max(plan.amount.amount_minor * percent // 100, 1)
    now = refunded(plan, amount, 1).schedule
    drawn, *paid = taeg.flows(now)
    less = [Flow(flow.amount + 1, flow.at) for flow in paid]
    try:
        agreed = taeg.of(plan)
        after = formula.rate([drawn, *less])
    except NoRateError:
        return
    assert after <= agreed


@settings(max_examples=50)
@given(plans, st.lists(st.integers(1, 50_00), max_size=5), st.integers(0, 24))
def test_many_refunds_never_give_back_more_than_was_paid(plan, amounts, until):
    paid = paid_until(plan, until)
    collected, back = sum(paid.values()), 0
    for amount in amounts:
        if amount > plan.amount.amount_minor:
            continue
        found = refunds.refund(plan, amount, paid=paid)
        plan, paid, back = found.schedule, dict(found.kept_minor), back + found.give_back_minor
    assert collected - back == sum(paid.values()) == sum(paid_until(plan, until).values())
