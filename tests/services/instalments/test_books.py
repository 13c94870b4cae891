"""A plan's books in each of its states: both sides are equal whatever happens to it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.money import Money
from services.instalments.rules.books import Books, books_of, dues_of
from services.instalments.rules.current_schedule import remaining_price
from services.instalments.rules.disputes import Dispute, DisputeState, disputed
from services.instalments.rules.plans import Instalment, Plan
from services.instalments.rules.refunding import refunded
from services.instalments.rules.states import InstalmentState, PlanState
from services.instalments.rules.withdrawal import Withdrawal, Withdrawn
from services.instalments.rules.withdrawing import withdrawn
from services.instalments.rules.writing_off import written_off
from tests.services.instalments.given import NOW
from tests.services.instalments.test_collecting import active
from tests.services.instalments.test_refunding_rules import at_moment, charged, moments


def balanced(plan: Plan, parts) -> Books:
    found = books_of(plan, parts)
    debited, credited = found.sides
    assert debited == credited
    assert sum(dues_of(plan, parts).values()) == found.owed_minor
    return found


def dispute(amount_minor: int, state: DisputeState) -> Dispute:
    return Dispute(
        merchant_id="mer_1",
        id="dis_1",
        plan_id="pln_1",
        payment_id="pay_0",
        state=state,
        amount=Money(amount_minor, "EUR"),
        reason="",
        told_at=NOW,
        created_at=NOW,
    )


def gone_through(parts: list[Instalment]) -> int:
    """The amount that was captured and has not been refunded."""
    paid = [part for part in parts if part.state is InstalmentState.PAID]
    return sum(charged(part) - part.refunded_minor + part.charged_back_minor for part in paid)


@settings(max_examples=100)
@given(
    moments,
    st.lists(st.integers(1, 100), max_size=3),
    st.integers(1, 100_00),
    st.sampled_from([DisputeState.LOST, DisputeState.WON]),
)
def test_debits_are_credits_after_refunds_and_disputes_of_any_end(at, percentages, most, end):
    plan, parts = at
    known = None
    amount = min(most, charged(parts[0]))
    for state in (DisputeState.OPEN, DisputeState.LOST, end):
        found = disputed(parts, [1], known, dispute(amount, state), ())
        if found is not None:
            parts, known = list(found[0]), found[1]
        if percentages and remaining_price(plan):
            percent = percentages.pop()
            made = refunded(plan, parts, max(remaining_price(plan) * percent // 100, 1), NOW)
            plan, parts = made.plan, list(made.parts)
        assert balanced(plan, parts).paid_minor == gone_through(parts)


def test_nothing_is_booked_before_the_plan_is_activated():
    plan, parts = active()
    assert books_of(replace(plan, activated_at=None), parts) == Books()


def test_a_signed_plan_books_its_price_as_sold_and_the_unpaid_rest_as_owed():
    plan, parts = active()
    assert balanced(plan, parts) == Books(sold_minor=300_00, owed_minor=200_00, paid_minor=100_00)


def test_costs_are_booked_when_paid_less_the_early_payment_rebate():
    plan, parts = at_moment(2, 3_50, 0)
    costs = {"interest_minor": 2_00, "fee_minor": 4_00, "late_fee_minor": 5_00}
    parts[1] = replace(parts[1], **costs)
    found = balanced(plan, parts)
    assert (found.interest_minor, found.fees_minor, found.late_fees_minor) == (0, 2_50, 5_00)
    assert (found.owed_minor, found.paid_minor) == (100_00, 207_50)


def test_a_written_off_part_is_bad_debt_until_it_is_paid():
    plan, parts = at_moment(1, 0, 5_00)
    plan, given_up = written_off(replace(plan, state=PlanState.DEFAULTED), parts, None, NOW)
    found = balanced(plan, given_up)
    assert (found.owed_minor, found.written_off_minor) == (0, 200_00)
    paid = replace(given_up[1], state=InstalmentState.PAID)
    found = balanced(plan, [given_up[0], paid, given_up[2]])
    assert (found.written_off_minor, found.late_fees_minor) == (100_00, 5_00)


def test_after_a_withdrawal_paid_costs_count_as_capital():
    plan, parts = at_moment(1, 0, 0)
    parts[0] = replace(parts[0], interest_minor=1_00, fee_minor=9_00)
    due = Withdrawal(
        noticed_on=NOW.date(),
        repaid_on=NOW.date(),
        repay_by=NOW.date(),
        capital_minor=200_00,
        interest_minor=2_00,
        paid_back_minor=10_00,
    )
    notice = Withdrawn(name="", sent_to="", noticed_at=NOW, due=due)
    found = balanced(*withdrawn(plan, parts, notice))
    assert (found.owed_minor, found.interest_minor + found.fees_minor) == (192_00, 2_00)
