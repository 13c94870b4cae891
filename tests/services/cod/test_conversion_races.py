"""A thousand orders that are paid online, collected, cancelled and refunded in any order: by the rules alone."""

import pytest

from libs.errors import Refusal
from tests.services.cod.races import Outcome, check, drawn
from tests.services.cod.races_by_rules import ByRules

RACES = 1_000


def run(seed: int) -> Outcome:
    race = ByRules(seed)
    for step in drawn(seed):
        try:
            getattr(race, step)()
        except Refusal:
            continue  # not possible at this moment
    return race.settle()


@pytest.mark.parametrize("first", range(0, RACES, 250))
def test_the_merchant_gets_the_price_once_in_any_order_of_events(first: int):
    for seed in range(first, first + 250):
        check(run(seed))


def test_the_races_include_double_payments_and_partial_and_full_refunds():
    """Orders both paid and collected, refunded in part and in full, and orders that end otherwise."""
    ends = [run(seed) for seed in range(RACES)]
    both = [end for end in ends if end.collected_minor and end.payments]
    backs = [(paid, back) for end in both for paid, back in end.payments.values()]
    assert len(both) > RACES // 10
    assert any(0 < back < paid for paid, back in backs)
    assert any(back == paid for paid, back in backs)
    states = {end.state for end in ends if end.payments}
    assert states >= {"converted", "collected", "cancelled", "returned"}
    assert any(len(end.payments) > 1 for end in ends)


def test_the_races_include_deposits_kept_refunded_and_paid_twice():
    """Deposits kept with the rest collected or paid online, refunded in full and in part, and one of two payments."""
    ends = [run(seed) for seed in range(RACES)]
    kept = [end for end in ends if end.kept_deposit is not None]
    backs = [end.payments[end.kept_deposit] for end in kept if end.kept_deposit]
    assert {end.state for end in kept} >= {"converted", "collected", "cancelled", "returned"}
    assert any(0 < back < paid for paid, back in backs)
    assert any(end.kept_link is not None for end in kept)
    assert any(end.deposit_minor and end.kept_link and not end.kept_deposit for end in ends)
    both = [end for end in kept if len(end.payments) > 1 and end.kept_link is None]
    assert any(paid == back for end in both for paid, back in end.payments.values())
