"""Early payment, against figures computed by hand and a walk through the days."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.errors import InvalidArgument
from libs.money import Money
from services.instalments.rules import schedule, settlement
from services.instalments.rules.schedule import Schedule
from services.instalments.rules.terms import Frequency, Unit
from tests.services.instalments.given import MONTHLY, terms_of

NEW_YEAR = date(2027, 1, 1)


def planned(amount: int, **changes) -> Schedule:
    terms = terms_of(**{"every": MONTHLY, "interest_basis_points": 1_200, **changes})
    return schedule.planned(terms, Money(amount, "EUR"), NEW_YEAR)


# 1,000.00 at 12 %: 336.66 at signing, 330.03 + 6.63 on 1 February, 333.31 + 3.33 on 1 March.
THREE = planned(1_000_00)


def test_settlement_charges_interest_only_for_the_days_used():
    """On 16 January 15 of 31 days are used: 663.34 * 1 % * 15/31 = 3.21 of 9.96."""
    found = settlement.settle(THREE, paid={1}, on=date(2027, 1, 16))
    assert (found.principal_minor, found.interest_minor) == (663_34, 9_96)
    assert found.interest_rebate_minor == 9_96 - 3_21
    assert found.owed_minor == 666_55


def test_settlement_rebates_the_upfront_fee_for_the_remaining_days():
    """44 of 59 days remain: 12.00 * 44/59 = 8.95. It was paid at signing."""
    plan = planned(1_000_00, upfront_fee_minor=12_00)
    found = settlement.settle(plan, paid={1}, on=date(2027, 1, 16))
    assert found.fees_rebate_minor == 8_95
    assert found.owed_minor == 666_55 - 8_95


def test_settlement_rebates_payment_fees_for_the_unused_time():
    """Of the 1.00 for February 16/31 = 0.52, of the 1.00 for March all of it."""
    plan = planned(1_000_00, payment_fee_minor=1_00)
    found = settlement.settle(plan, paid={1}, on=date(2027, 1, 16))
    assert (found.fees_minor, found.fees_rebate_minor) == (2_00, 1_52)


TWELVE = planned(1_200_00, payments=12, upfront_fee_minor=24_00)


def test_on_a_due_date_settlement_costs_the_balance_less_the_fee_rebate():
    on = TWELVE.parts[2].due_on
    found = settlement.settle(TWELVE, paid={1, 2, 3}, on=on)
    balance = sum(part.principal_minor for part in TWELVE.parts[3:])
    whole = (TWELVE.last_due_on - NEW_YEAR).days
    fee = round(Fraction(24_00 * (TWELVE.last_due_on - on).days, whole))
    assert (found.fees_rebate_minor, found.owed_minor) == (fee, balance - fee)


def test_a_part_due_on_the_settlement_day_is_owed_in_full():
    fourth = TWELVE.parts[3]
    unpaid = settlement.settle(TWELVE, paid={1, 2, 3}, on=fourth.due_on)
    paid = settlement.settle(TWELVE, paid={1, 2, 3, 4}, on=fourth.due_on)
    assert unpaid.owed_minor == fourth.total_minor + paid.owed_minor


def test_settlement_on_the_last_due_date_has_no_rebate():
    found = settlement.settle(TWELVE, paid=range(1, 12), on=TWELVE.last_due_on)
    assert found.owed_minor == TWELVE.parts[-1].total_minor
    assert (found.interest_rebate_minor, found.fees_rebate_minor) == (0, 0)


def test_overdue_parts_are_owed_in_full():
    found = settlement.settle(TWELVE, paid={1}, on=TWELVE.last_due_on + timedelta(days=40))
    assert found.owed_minor == sum(part.total_minor for part in TWELVE.parts[1:])


def test_settlement_covers_all_open_parts():
    found = settlement.settle(TWELVE, paid={1, 2}, on=date(2027, 2, 10))
    assert found.numbers == tuple(range(3, 13))
    paid = sum(part.principal_minor for part in TWELVE.parts[:2])
    assert paid + found.principal_minor == 1_200_00


def test_an_upfront_fee_is_not_rebated_twice():
    """The third part on 16 January: of 59 days, 16 with half of the fee and 28 with all of it."""
    plan = planned(300_00, interest_basis_points=0, upfront_fee_minor=59_00)
    on = date(2027, 1, 16)
    third = settlement.pay_early(plan, 3, paid={1}, on=on)
    rest = settlement.settle(plan, paid={1, 3}, on=on)
    at_once = settlement.settle(plan, paid={1}, on=on)
    assert third.fees_rebate_minor == 16_00 // 2 + 28_00
    assert third.fees_rebate_minor + rest.fees_rebate_minor == at_once.fees_rebate_minor == 44_00


def test_settlement_on_the_day_of_signing_owes_the_balance_less_the_upfront_fee():
    plan = planned(1_000_00, upfront_fee_minor=12_00, payment_fee_minor=1_00)
    found = settlement.settle(plan, paid={1}, on=NEW_YEAR)
    assert found.owed_minor == 663_34 - 12_00


def test_a_rebate_above_the_remaining_amount_is_refunded():
    plan = planned(30_00, interest_basis_points=0, upfront_fee_minor=25_00)
    found = settlement.settle(plan, paid={1, 2}, on=date(2027, 1, 2))
    assert found.give_back_minor == -found.balance_minor > 0
    assert found.owed_minor == 0


def test_paying_one_part_early_rebates_only_its_interest():
    """The second of three on 16 January: 330.03 * 1 % * 16/31 = 1.70 of its 6.63 is not used."""
    found = settlement.pay_early(THREE, 2, paid={1}, on=date(2027, 1, 16))
    assert found.numbers == (2,)
    assert found.interest_rebate_minor == 1_70
    assert found.owed_minor == 330_03 + 6_63 - 1_70


def test_a_part_paid_on_its_due_date_has_no_rebate():
    found = settlement.pay_early(THREE, 2, paid={1}, on=date(2027, 2, 1))
    assert found.owed_minor == THREE.parts[1].total_minor


@pytest.mark.parametrize("number", [0, 1, 4])
def test_paying_a_paid_or_unknown_part_early_is_refused(number: int):
    with pytest.raises(InvalidArgument) as no:
        settlement.pay_early(THREE, number, paid={1}, on=NEW_YEAR)
    assert no.value.violations[0].field == "number"


def test_a_plan_that_is_paid_has_nothing_to_settle():
    with pytest.raises(InvalidArgument):
        settlement.settle(THREE, paid={1, 2, 3}, on=NEW_YEAR)


def test_a_60_month_loan_settles_at_its_balance_on_each_due_date():
    """15,000.00 at 5 %; the rebate is the interest of all months to come, the last one too."""
    plan = planned(15_150_00, payments=61, interest_basis_points=500, down_payment_basis_points=99)
    balance = plan.amount.amount_minor
    for part in plan.parts:
        balance -= part.principal_minor
        if balance:
            paid = range(1, part.number + 1)
            found = settlement.settle(plan, paid=paid, on=part.due_on)
            to_come = sum(later.interest_minor for later in plan.parts[part.number :])
            assert (found.owed_minor, found.interest_rebate_minor) == (balance, to_come)


def test_after_extra_payments_from_month_37_settlement_costs_the_balance():
    """Each payment also pays the last open part; a walk through the months gives the same result."""
    plan = planned(15_150_00, payments=61, interest_basis_points=500, down_payment_basis_points=99)
    paid, money, balance, interest = set(), 0, Fraction(plan.amount.amount_minor), Fraction(0)
    for part in plan.parts[:46]:
        interest += balance * plan.period_rate if part.number > 1 else 0
        balance -= part.principal_minor
        paid.add(part.number)
        money += part.total_minor
        if part.number >= 37:
            last = max(set(range(1, 62)) - paid)
            extra = settlement.pay_early(plan, last, paid=paid, on=part.due_on)
            paid.add(last)
            money += extra.owed_minor
            balance -= plan.parts[last - 1].principal_minor
    found = settlement.settle(plan, paid=paid, on=plan.parts[45].due_on)
    assert abs(money + found.owed_minor - plan.amount.amount_minor - interest) < 46
    assert found.principal_minor == balance


plans = st.builds(
    planned,
    st.integers(100_00, 100_000_00),
    payments=st.integers(2, 48),
    interest_basis_points=st.integers(0, 2_500),
    upfront_fee_minor=st.integers(0, 50_00),
    payment_fee_minor=st.integers(0, 3_00),
    every=st.sampled_from([MONTHLY, Frequency(Unit.WEEK, 1), Frequency(Unit.DAY, 10)]),
)


@settings(max_examples=40)
@given(plans, st.integers(0, 400), st.data())
def test_the_later_the_dearer_and_never_beyond_what_was_agreed(plan, day, data):
    paid = range(1, data.draw(st.integers(1, len(plan.parts) - 1)) + 1)
    on = plan.signed_on + timedelta(days=day)
    found = settlement.settle(plan, paid=paid, on=on)
    after = settlement.settle(plan, paid=paid, on=on + timedelta(days=1))
    assert found.balance_minor <= after.balance_minor + 2  # because of three roundings
    left = plan.parts[len(paid) :]
    assert found.balance_minor <= sum(part.total_minor for part in left)
    assert found.principal_minor == sum(part.principal_minor for part in left)


@settings(max_examples=40)
@given(plans, st.integers(0, 400))
def test_one_by_one_costs_what_all_at_once_costs(plan: Schedule, day: int):
    on = plan.signed_on + timedelta(days=day)
    paid, together = {1}, 0
    for part in plan.parts[1:]:
        together += settlement.pay_early(plan, part.number, paid=paid, on=on).balance_minor
        paid.add(part.number)
    at_once = settlement.settle(plan, paid={1}, on=on).balance_minor
    assert abs(together - at_once) <= 2 * len(plan.parts)  # because of two roundings each
