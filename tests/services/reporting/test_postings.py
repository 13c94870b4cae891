from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.rules.chart import Account, Place
from services.reporting.rules.entries import UnbalancedError, entry_of, paired
from services.reporting.rules.facts import (
    BookableEvent,
    CashCollected,
    CashRefunded,
    CashRemitted,
    Disputed,
    DisputeMoved,
    DisputeState,
    Move,
    MoveKind,
    PlanBooks,
    PlanMoved,
    PspCharge,
    PspRefund,
    TransferMoved,
)
from services.reporting.rules.postings import amounts

MINOR = st.integers(0, 2**53)
DISPUTES = st.builds(Disputed, st.sampled_from(DisputeState), MINOR)
PSPS = st.sampled_from(["sandbox-a", "stripe", ""])


def books_of_a_plan(amounts: list[int]) -> PlanBooks:
    """Balanced books, as instalments guarantees: the sold amount is what the others add up to."""
    names = [field.name for field in fields(PlanBooks)][1:]
    debited = ("refunded_minor", "owed_minor", "written_off_minor", "paid_minor")
    given = dict(zip(names, amounts, strict=True))
    sold = sum(amount if name in debited else -amount for name, amount in given.items())
    return PlanBooks(sold_minor=sold, **given)


PLANS = st.lists(MINOR, min_size=9, max_size=9).map(books_of_a_plan)
FACTS = st.one_of(
    st.builds(PspCharge, PSPS, st.booleans(), MINOR),
    st.builds(PspRefund, PSPS, st.booleans(), MINOR, undone=st.booleans()),
    st.builds(DisputeMoved, PSPS, st.none() | DISPUTES, DISPUTES),
    st.builds(PlanMoved, PLANS, PLANS),
    st.builds(CashRefunded, MINOR, st.booleans()),
    st.builds(CashCollected, st.just("cou_1"), MINOR, MINOR),
    st.builds(CashRemitted, st.just("cou_1"), MINOR, MINOR, st.integers(-9, 2**53), MINOR),
    st.builds(
        TransferMoved,
        MINOR,
        st.lists(st.builds(Move, st.sampled_from(MoveKind), MINOR, st.booleans()), max_size=4),
    ),
)


def by_account(fact) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, amount in amounts(fact).items():
        found[place.account.value] = found.get(place.account.value, 0) + amount
    return {name: amount for name, amount in found.items() if amount}


def bookable(fact) -> BookableEvent:
    return BookableEvent(
        merchant_id="mer_1",
        event_id="evt_1",
        kind="x",
        happened_on=date(2026, 11, 26),
        currency="EUR",
        resource_id="x",
        payment_id=None,
        order_reference=None,
        trace_id="",
        fact=fact,
    )


@given(FACTS)
def test_every_fact_is_booked_by_an_entry_that_moves_just_its_amounts(fact):
    wanted = {place: amount for place, amount in amounts(fact).items() if amount}
    assert sum(wanted.values()) == 0
    entry = entry_of(bookable(fact))
    moved: dict[Place, int] = {}
    for posting in entry.postings if entry else ():
        assert posting.amount_minor > 0
        moved[posting.debit] = moved.get(posting.debit, 0) + posting.amount_minor
        moved[posting.credit] = moved.get(posting.credit, 0) - posting.amount_minor
    assert moved == wanted


def test_amounts_that_do_not_sum_to_zero_are_refused():
    with pytest.raises(UnbalancedError):
        paired({Place(Account.SALES): -100, Place(Account.BANK): 99})


def test_cash_is_owed_by_the_courier_until_remitted():
    assert by_account(CashCollected("cou_1", 1250, 250)) == {
        "courier_receivable": 1250,
        "sales": -1000,
        "cod_fees": -250,
    }
    assert by_account(CashRemitted("cou_1", 1100, 50, 100, 0)) == {
        "bank_in_transit": 1100,
        "courier_fees": 50,
        "shortage": 100,
        "courier_receivable": -1250,
    }


def test_a_later_remittance_reduces_the_shortage():
    assert by_account(CashRemitted("cou_1", 60, 0, 40, 100)) == {
        "bank_in_transit": 60,
        "shortage": -60,
    }


def test_a_plan_is_booked_as_the_difference_from_its_last_state():
    signed = PlanBooks(sold_minor=300, owed_minor=200, paid_minor=100)
    assert by_account(PlanMoved(PlanBooks(), signed)) == {
        "sales": -300,
        "customer_receivable": 200,
        "instalments_clearing": 100,
    }
    collected = replace(signed, owed_minor=100, paid_minor=207, interest_minor=7)
    assert by_account(PlanMoved(signed, collected)) == {
        "customer_receivable": -100,
        "instalments_clearing": 107,
        "instalment_interest": -7,
    }
    given_up = replace(collected, owed_minor=0, written_off_minor=100)
    assert by_account(PlanMoved(collected, given_up)) == {
        "customer_receivable": -100,
        "bad_debt": 100,
    }


def test_a_cash_refund_leaves_the_bank_and_is_reversed_when_undone():
    back = {"bank_in_transit": -25, "sales_refunds": 25}
    assert by_account(CashRefunded(25)) == back
    assert by_account(CashRefunded(25, undone=True)) == {name: -back[name] for name in back}


@pytest.mark.parametrize(
    ("arrived", "moves", "moved"),
    [
        (129, [], {"bank_in_transit": 129, "unallocated": -129}),
        (
            129,
            [("matched", 100, False)],
            {"bank_in_transit": 129, "sales": -100, "unallocated": -29},
        ),
        (0, [("settled", 50, True)], {"unallocated": 50, "instalments_clearing": -50}),
        (0, [("taken_back", 50, False), ("settled", 80, False)], {"unallocated": 30, "sales": -30}),
        (0, [("given_back", 29, False)], {"unallocated": 29, "bank_in_transit": -29}),
    ],
)
def test_money_of_a_transfer_is_nobodys_until_a_link_has_it(arrived, moves, moved):
    steps = [Move(MoveKind(kind), amount, of_plan) for kind, amount, of_plan in moves]
    assert by_account(TransferMoved(arrived, steps)) == moved
