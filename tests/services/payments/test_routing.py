"""From rules to an ordered list of accounts."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.money import Money
from services.payments.rules.routing import Question, Rule, Target, candidates, fits

ACCOUNTS = ["a", "b", "c"]
QUESTION = Question(Money(5990, "EUR"), "one_click", "visa", "IT")


def order(*rules: Rule, tokens=("a", "b", "c"), resting=(), chance=lambda: 0.0) -> list[str]:
    return candidates(
        rules, QUESTION, accounts=ACCOUNTS, tokens=tokens, open_breakers=resting, chance=chance
    )


def test_without_rules_accounts_are_ordered_by_creation():
    assert order() == ACCOUNTS


def test_the_first_matching_rule_decides():
    usd = Rule(targets=(Target("a"),), currencies=("USD",))
    eur = Rule(targets=(Target("c"), Target("b", rank=1)), currencies=("EUR",))
    assert order(usd, eur, Rule(targets=(Target("a"),))) == ["c", "b"]


@pytest.mark.parametrize(
    ("rule", "does"),
    [
        (Rule((), amount_from_minor=5990), True),
        (Rule((), amount_from_minor=5991), False),
        (Rule((), amount_to_minor=5990), True),
        (Rule((), amount_to_minor=5989), False),
        (Rule((), methods=("link",)), False),
        (Rule((), methods=("link", "one_click")), True),
        (Rule((), brands=("mastercard",)), False),
        (Rule((), countries=("DE",)), False),
        (Rule((), currencies=("EUR",), brands=("visa",), countries=("IT",)), True),
    ],
)
def test_a_rule_matches_by_amount_method_brand_country_and_currency(rule, does):
    assert fits(rule, QUESTION) is does


def test_only_accounts_with_a_token_are_candidates():
    assert order(tokens=["b"]) == ["b"]
    assert order(Rule((Target("a"),)), tokens=["b"]) == []


def test_a_target_whose_account_no_longer_exists_is_skipped():
    assert order(Rule((Target("gone"), Target("b", rank=1))), tokens=["gone", "b"]) == ["b"]


def test_accounts_whose_breaker_is_open_go_last():
    assert order(resting={"a"}) == ["b", "c", "a"]


def test_targets_of_equal_rank_are_drawn_by_weight():
    rule = Rule((Target("a", weight=3), Target("b", weight=1), Target("c", rank=1)))
    chance = Random(7).random
    firsts = Counter(order(rule, chance=chance)[0] for _ in range(4000))
    assert firsts["c"] == 0
    assert 0.70 < firsts["a"] / 4000 < 0.80


targets = st.lists(
    st.builds(
        Target,
        st.sampled_from([*ACCOUNTS, "gone"]),
        st.integers(0, 3),
        st.integers(1, 1000),
    ),
    min_size=1,
    max_size=8,
)


@given(targets, st.sets(st.sampled_from(ACCOUNTS)), st.floats(0, 1, exclude_max=True))
def test_each_able_target_comes_once_and_no_other(found, tokens, ticket):
    named = order(Rule(tuple(found)), tokens=tokens, chance=lambda: ticket)
    assert len(named) == len(set(named))
    assert set(named) == {target.psp_account for target in found} & tokens
