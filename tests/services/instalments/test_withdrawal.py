"""Withdrawal from the credit, against figures computed by hand."""

from datetime import date, timedelta

import pytest

from libs.errors import InvalidArgument
from libs.money import Money
from services.instalments.rules import regimes, schedule, withdrawal
from services.instalments.rules.schedule import Schedule
from services.instalments.rules.terms import Frequency, Unit
from services.instalments.rules.withdrawal import Withdrawal
from tests.services.instalments.given import MONTHLY, terms_of

SIGNED = date(2026, 11, 26)
LAW = regimes.in_force("IT", SIGNED)


def planned(**changes) -> Schedule:
    terms = terms_of(**{"every": MONTHLY, "interest_basis_points": 1_200, **changes})
    return schedule.planned(terms, Money(1_000_00, "EUR"), SIGNED)


def withdrawn(plan: Schedule, day: int, *, repaid: int | None = None, **asked) -> Withdrawal:
    return withdrawal.withdraw(
        plan,
        LAW,
        paid=asked.pop("paid", {1: SIGNED}),
        noticed_on=SIGNED + timedelta(days=day),
        repaid_on=SIGNED + timedelta(days=day if repaid is None else repaid),
        **asked,
    )


def test_on_day_13_the_capital_and_13_days_of_interest_are_owed():
    """336.66 was paid at signing: 663.34 * 12 % * 13/365 = 2.84."""
    found = withdrawn(planned(), 13)
    assert (found.capital_minor, found.interest_minor) == (663_34, 2_84)
    assert found.owed_minor == 666_18


def test_interest_runs_until_the_rest_is_repaid():
    """By day 43: 663.34 * 12 % * 43/365 = 9.38."""
    found = withdrawn(planned(), 13, repaid=43)
    assert found.interest_minor == 9_38
    assert found.repay_by == found.repaid_on == date(2027, 1, 8)


def test_day_14_is_the_last_day_of_withdrawal():
    assert withdrawal.last_day(LAW, SIGNED) == date(2026, 12, 10)
    assert withdrawn(planned(), 14).capital_minor == 663_34


@pytest.mark.parametrize("day", [15, -1])
def test_a_withdrawal_on_day_15_or_before_signing_is_refused(day: int):
    with pytest.raises(InvalidArgument) as no:
        withdrawn(planned(), day)
    assert no.value.violations[0].field == "noticed_on"


def test_the_withdrawal_period_starts_when_the_contract_is_received():
    informed = SIGNED + timedelta(days=5)
    assert withdrawn(planned(), 19, informed_on=informed).capital_minor == 663_34
    with pytest.raises(InvalidArgument):
        withdrawn(planned(), 20, informed_on=informed)


def test_a_repayment_before_the_notice_is_refused():
    with pytest.raises(InvalidArgument) as no:
        withdrawn(planned(), 13, repaid=12)
    assert no.value.violations[0].field == "repaid_on"


def test_a_withdrawal_returns_paid_fees():
    """20.00 upfront and 1.00 with the first payment."""
    plan = planned(upfront_fee_minor=20_00, payment_fee_minor=1_00)
    found = withdrawn(plan, 13)
    assert (found.paid_back_minor, found.owed_minor) == (21_00, 666_18 - 21_00)


def test_capital_repaid_before_the_withdrawal_bears_interest_until_its_payment():
    """Weekly: 334.10 at signing, 332.56 + 1.54 on day 7, then 333.34 until day 13: in all
    (332.56 * 7 + 333.34 * 13) * 12 % / 365 = 2.19, of which 1.54 is paid.
    """
    plan = planned(every=Frequency(Unit.WEEK, 1))
    found = withdrawn(plan, 13, paid={1: SIGNED, 2: SIGNED + timedelta(days=7)})
    assert plan.parts[1].interest_minor == found.paid_back_minor == 1_54
    assert (found.capital_minor, found.interest_minor) == (333_34, 2_19)
    assert found.owed_minor == 333_34 + 2_19 - 1_54


def test_without_interest_the_capital_alone_is_owed():
    found = withdrawn(planned(interest_basis_points=0), 10)
    assert (found.owed_minor, found.interest_minor) == (666_67, 0)


def test_paid_costs_above_the_owed_amount_are_refunded():
    found = withdrawn(
        planned(upfront_fee_minor=20_00, payments=2),
        3,
        paid={1: SIGNED, 2: SIGNED + timedelta(days=1)},
    )
    assert (found.owed_minor, found.capital_minor) == (0, 0)
    assert found.give_back_minor == found.paid_back_minor - found.interest_minor > 0


def test_interest_per_day_is_not_rounded():
    per_day = withdrawal.interest_per_day(663_34, 1_200)
    assert round(float(per_day), 4) == 21.8084  # cents
