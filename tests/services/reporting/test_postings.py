from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.rules.chart import Account, Place
from services.reporting.rules.entries import UnbalancedError, entry_of, paired
from services.reporting.rules.facts import (
    CashCollected,
    CashRemitted,
    Disputed,
    DisputeMoved,
    DisputeState,
    Move,
    MoveKind,
    PspCharge,
    PspRefund,
    Told,
    TransferMoved,
)
from services.reporting.rules.postings import amounts

MINOR = st.integers(0, 2**53)
DISPUTES = st.builds(Disputed, st.sampled_from(DisputeState), MINOR)
PSPS = st.sampled_from(["sandbox-a", "stripe", ""])
FACTS = st.one_of(
    st.builds(PspCharge, PSPS, st.booleans(), MINOR),
    st.builds(PspRefund, PSPS, st.booleans(), MINOR, undone=st.booleans()),
    st.builds(DisputeMoved, PSPS, st.none() | DISPUTES, DISPUTES),
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


def told(fact) -> Told:
    return Told(
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
    entry = entry_of(told(fact))
    moved: dict[Place, int] = {}
    for posting in entry.postings if entry else ():
        assert posting.amount_minor > 0
        moved[posting.debit] = moved.get(posting.debit, 0) + posting.amount_minor
        moved[posting.credit] = moved.get(posting.credit, 0) - posting.amount_minor
    assert moved == wanted


def test_amounts_that_do_not_sum_to_zero_are_no_entry():
    with pytest.raises(UnbalancedError):
        paired({Place(Account.SALES): -100, Place(Account.BANK): 99})


def test_cash_is_owed_by_the_courier_until_it_is_passed_on():
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


def test_what_was_short_and_is_passed_on_later_is_short_no_more():
    assert by_account(CashRemitted("cou_1", 60, 0, 40, 100)) == {
        "bank_in_transit": 60,
        "shortage": -60,
    }


@pytest.mark.parametrize(
    ("arrived", "moves", "moved"),
    [
        (129, [], {"bank": 129, "unallocated": -129}),
        (129, [("matched", 100, False)], {"bank": 129, "sales": -100, "unallocated": -29}),
        (0, [("settled", 50, True)], {"unallocated": 50, "instalments_clearing": -50}),
        (0, [("taken_back", 50, False), ("settled", 80, False)], {"unallocated": 30, "sales": -30}),
        (0, [("given_back", 29, False)], {"unallocated": 29, "bank": -29}),
    ],
)
def test_money_of_a_transfer_is_nobodys_until_a_link_has_it(arrived, moves, moved):
    steps = [Move(MoveKind(kind), amount, of_plan) for kind, amount, of_plan in moves]
    assert by_account(TransferMoved(arrived, steps)) == moved
