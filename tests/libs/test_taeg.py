"""The TAEG against published examples: the European Commission's of 2015 for Annex I of Directive
2008/48/EC, and others, with their sources in apr_vectors.json.
"""

import json
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs import taeg
from libs.taeg import Flow, NoRateError

Vector = dict[str, Any]
VECTORS: list[Vector] = json.loads(
    Path(__file__).with_name("apr_vectors.json").read_text(), parse_float=Decimal
)
TOLERANCE = Decimal("2e-4")


def flows_of(vector: Vector) -> Iterator[Flow]:
    for flow in vector["flows"]:
        amount = Fraction(flow["amount"])
        first = Fraction(flow["at"] if "at" in flow else flow["first"])
        every = Fraction(flow.get("every", 0))
        for number in range(flow.get("count", 1)):
            yield Flow(amount, first + number * every)


def flow(amount: str, at: str) -> Flow:
    return Flow(Fraction(amount), Fraction(at))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_the_rate_matches_the_published_one(vector: Vector):
    percent = taeg.rate(list(flows_of(vector)))
    rough = vector["note"] == "published to 2 decimals"
    if vector["published_apr"] is not None:
        assert abs(percent - vector["published_apr"]) <= (Decimal("0.005") if rough else TOLERANCE)
    if vector["published_rounded"] is not None:
        assert taeg.rounded(percent) == vector["published_rounded"]


def test_all_published_examples_are_there():
    assert len({vector["id"] for vector in VECTORS}) == 33


def test_a_twenty_year_loan_with_a_fee_has_the_rate_of_its_example():
    loan = [flow("200000", "0"), flow("-4000", "0")]
    paid = [Flow(Fraction("-1432.86"), Fraction(month, 12)) for month in range(1, 241)]
    assert round(taeg.rate([*loan, *paid]), 6) == Decimal("6.434412")


def test_a_six_month_bridge_loan_has_the_rate_of_its_example():
    bridge = [flow("200000", "0"), flow("-4000", "0"), flow("-207618.17", "1/2")]
    assert round(taeg.rate(bridge), 6) == Decimal("12.206644")


def test_the_rate_of_one_payment_after_a_year_is_its_interest():
    assert taeg.rate([flow("100", "0"), flow("-110", "1")]) == 10


def test_a_free_loan_has_a_rate_of_zero():
    assert taeg.rate([flow("0.03", "0"), flow("-0.01", "1/12"), flow("-0.02", "1/6")]) == 0


def test_a_discount_has_a_negative_rate():
    assert taeg.rate([flow("100", "0"), flow("-99", "1")]) == -1


def test_a_charge_paid_before_the_drawdown_counts():
    before = [flow("-5", "-1/12"), flow("1000", "0"), flow("-1000", "1")]
    at_once = [flow("-5", "0"), *before[1:]]
    assert taeg.rate(before) > taeg.rate(at_once) > 0


@pytest.mark.parametrize(
    ("flows", "why"),
    [
        ([], "nothing is drawn down"),
        ([flow("-1", "0")], "nothing is drawn down"),
        ([flow("1", "0")], "nothing is paid back"),
        ([flow("100", "0"), flow("-101", "0")], "no rate"),  # both at the same moment
        ([flow("100", "0"), flow("-150", "0"), flow("-50", "1")], "no rate"),  # never a net loan
        ([flow("100", "0"), flow("-1e12", "1/365")], "no rate"),
        ([flow("100", "0"), flow("-101", "201")], "beyond 200 years"),
        ([flow("1e16", "0"), flow("-1e15", "1")], "beyond"),
        ([flow("1", "0")] * 10_001, "more than 10000 flows"),
    ],
)
def test_flows_without_a_solvable_rate_are_refused_with_the_reason(flows: list[Flow], why: str):
    with pytest.raises(NoRateError, match=why):
        taeg.rate(flows)


@pytest.mark.parametrize(
    ("percent", "shown"), [("6.45", "6.5"), ("6.449999", "6.4"), ("0", "0.0"), ("9.95", "10.0")]
)
def test_a_rate_is_rounded_half_up_to_one_decimal(percent: str, shown: str):
    assert str(taeg.rounded(Decimal(percent))) == shown


loans = st.tuples(
    st.integers(1_000, 10_000_000),
    st.lists(st.tuples(st.integers(1, 100_000), st.integers(1, 3650)), min_size=1, max_size=20),
)


def worth(flows: list[Flow], percent: Decimal) -> Decimal:
    """The present value to 60 digits, implemented independently."""
    with localcontext(prec=60):
        growth = 1 + percent / 100
        exact = [
            (Decimal(int(f.amount)), Decimal(f.at.numerator) / f.at.denominator) for f in flows
        ]
        return sum((amount * growth ** (-at) for amount, at in exact), Decimal(0))


@settings(max_examples=60)
@given(loans)
def test_the_rate_solves_the_equation_to_all_its_places(loan):
    drawn, paid = loan
    flows = [
        Flow(Fraction(drawn), Fraction(0)),
        *(Flow(Fraction(-amount), Fraction(day, 365)) for amount, day in paid),
    ]
    try:
        percent = taeg.rate(flows)
    except NoRateError:
        return
    step = Decimal(1).scaleb(-taeg.PLACES)
    assert worth(flows, percent - step) <= 0 <= worth(flows, percent + step)
