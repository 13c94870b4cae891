"""Which parcel a line of a remittance pays for, and whether it pays all that is owed."""

from dataclasses import replace
from datetime import date
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cod.rules.columns import Meaning
from services.cod.rules.cuts import Cut, cut_of
from services.cod.rules.matching import AGREED, BOOKED, Claim, Result, Standing, match
from services.cod.rules.remittance_files import RemittanceLine

TOLERANCE: Final = 2
CLAIM: Final = Claim(
    order_id="cod_1",
    order_reference="O-1",
    tracking_number="AB1",
    standing=Standing.OWED,
    open_minor=100_00,
    cut_minor=3_00,
)
OTHER: Final = replace(CLAIM, order_id="cod_2", order_reference="O-2", tracking_number="AB2")
LINE: Final = RemittanceLine(
    line=2,
    tracking_number="AB1",
    sender_reference="",
    collected_minor=100_00,
    cut_minor=3_00,
    remitted_minor=97_00,
    on=date(2026, 11, 26),
    meaning=None,
)


def results(*lines: RemittanceLine, claims=(CLAIM, OTHER)) -> list[Result]:
    return [each.result for each in match(lines, claims, tolerance_minor=TOLERANCE)]


@pytest.mark.parametrize(
    ("change", "result", "parted"),
    [
        ({}, Result.MATCHED, (3_00, 97_00, 0)),
        ({"remitted_minor": 96_98}, Result.MATCHED, (3_00, 96_98, 2)),
        ({"remitted_minor": 97_02}, Result.MATCHED, (3_00, 97_02, -2)),
        ({"remitted_minor": 96_50}, Result.SHORT, (3_00, 96_50, 50)),
        ({"remitted_minor": 0}, Result.SHORT, (3_00, 0, 97_00)),
        ({"cut_minor": 3_02, "remitted_minor": 96_98}, Result.MATCHED, (3_00, 96_98, 2)),
        ({"cut_minor": 3_03, "remitted_minor": 96_97}, Result.CUT_WRONG, (3_00, 96_97, 3)),
        ({"cut_minor": 2_98, "remitted_minor": 97_02}, Result.MATCHED, (2_98, 97_02, 0)),
        ({"cut_minor": 2_97, "remitted_minor": 97_03}, Result.CUT_WRONG, (2_97, 97_03, 0)),
        ({"cut_minor": 5_00, "remitted_minor": 95_00}, Result.CUT_WRONG, (3_00, 95_00, 2_00)),
        ({"cut_minor": 1_00, "remitted_minor": 99_00}, Result.CUT_WRONG, (1_00, 99_00, 0)),
        ({"cut_minor": 5_00, "remitted_minor": 90_00}, Result.SHORT, (3_00, 90_00, 7_00)),
        ({"remitted_minor": 97_03}, Result.OVER, (0, 0, 0)),
        ({"remitted_minor": -1}, Result.TAKEN_BACK, (0, 0, 0)),
        ({"collected_minor": None, "cut_minor": None}, Result.MATCHED, (3_00, 97_00, 0)),
        ({"cut_minor": None, "remitted_minor": 100_00}, Result.MATCHED, (0, 100_00, 0)),
        ({"meaning": Meaning.REFUSED}, Result.RETURNED_WITH_MONEY, (0, 0, 0)),
        ({"meaning": Meaning.RETURNED, "remitted_minor": 0}, Result.RETURNED, (0, 0, 0)),
        ({"tracking_number": "AB9"}, Result.UNKNOWN, (0, 0, 0)),
    ],
)
def test_a_line_is_split_into_cut_remitted_and_shortage(change, result, parted):
    (found,) = match([replace(LINE, **change)], [CLAIM, OTHER], tolerance_minor=TOLERANCE)
    assert found.result is result
    assert (found.cut_minor, found.remitted_minor, found.shortage_minor) == parted


@pytest.mark.parametrize(
    ("standing", "remitted", "result"),
    [
        (Standing.BACK, 97_00, Result.RETURNED_WITH_MONEY),
        (Standing.BACK, 0, Result.CAME_BACK),
        (Standing.VOID, 97_00, Result.NOT_OWED),
        (Standing.VOID, 0, Result.CAME_BACK),
    ],
)
def test_a_line_for_a_parcel_that_owes_nothing_is_an_exception(standing, remitted, result):
    claim = replace(CLAIM, standing=standing)
    assert results(replace(LINE, remitted_minor=remitted), claims=[claim]) == [result]


def test_a_reference_finds_the_parcel_when_there_is_no_number():
    by_reference = replace(LINE, tracking_number="", sender_reference="o-1 ")
    assert results(by_reference) == [Result.MATCHED]


def test_a_line_with_an_unknown_tracking_number_matches_by_reference():
    assert results(replace(LINE, tracking_number="X", sender_reference="O-1")) == [Result.MATCHED]


def test_a_tracking_number_and_reference_of_different_orders_are_suggestions():
    (found,) = match([replace(LINE, sender_reference="O-2")], [CLAIM, OTHER], tolerance_minor=0)
    assert found.result is Result.SUGGESTED
    assert found.claims == (CLAIM, OTHER)


def test_a_reference_is_ambiguous_only_with_two_parcels_that_owe_money():
    line = replace(LINE, tracking_number="", sender_reference="O-1")
    second = replace(CLAIM, tracking_number="AB3")
    assert results(line, claims=[CLAIM, second]) == [Result.SUGGESTED]
    assert results(line, claims=[CLAIM, replace(second, open_minor=0)]) == [Result.MATCHED]


def test_two_equal_lines_of_one_parcel_are_two_suggestions():
    assert results(LINE, replace(LINE, line=3)) == [Result.SUGGESTED, Result.SUGGESTED]


def test_two_parcels_of_one_order_are_paid_by_two_lines():
    second = replace(CLAIM, tracking_number="AB3")
    lines = (LINE, replace(LINE, line=3, tracking_number="AB3"))
    assert results(*lines, claims=[CLAIM, second]) == [Result.MATCHED, Result.MATCHED]


def test_a_line_booked_before_is_a_duplicate_but_the_rest_of_a_shortage_is_not():
    short = replace(CLAIM, open_minor=50, cut_minor=0, booked=frozenset({(96_50, LINE.on)}))
    assert results(replace(LINE, remitted_minor=96_50), claims=[short]) == [Result.DUPLICATE]
    rest = replace(LINE, collected_minor=None, cut_minor=None, remitted_minor=50)
    assert results(rest, claims=[short]) == [Result.MATCHED]


def test_further_lines_for_a_settled_parcel_are_duplicates():
    settled = replace(CLAIM, open_minor=0, cut_minor=0, booked=frozenset({(97_00, None)}))
    assert results(LINE, LINE, claims=[settled]) == [Result.DUPLICATE, Result.DUPLICATE]


amounts = st.integers(0, 500_000)
numbers = st.sampled_from(["", "AB1", "AB2", "AB3"])
references = st.sampled_from(["", "O-1", "O-2", "O-3"])
CUTS = st.builds(
    Cut,
    basis_points=st.integers(0, 1000),
    fixed_minor=st.integers(0, 500),
    minimum_minor=st.integers(0, 500),
)
LINES = st.builds(
    RemittanceLine,
    line=st.integers(2, 10**6),
    tracking_number=numbers,
    sender_reference=references,
    collected_minor=st.none() | amounts,
    cut_minor=st.none() | st.integers(0, 1000),
    remitted_minor=st.integers(-100, 500_000),
    on=st.none() | st.dates(),
    meaning=st.none() | st.sampled_from(Meaning),
)


@st.composite
def claims(draw) -> list[Claim]:
    found = []
    for index in range(draw(st.integers(0, 4))):
        collected = draw(amounts)
        found.append(
            Claim(
                order_id=f"cod_{draw(st.integers(1, 3))}",
                order_reference=draw(references) or "O-9",
                tracking_number=f"AB{index + 1}",
                standing=draw(st.sampled_from(Standing)),
                open_minor=collected,
                cut_minor=cut_of(draw(CUTS), collected),
                booked=draw(st.sampled_from([frozenset(), frozenset({(5, None)})])),
            )
        )
    return found


@given(st.lists(LINES, max_size=6), claims(), st.integers(0, 100))
def test_cut_remitted_and_shortage_sum_to_what_was_owed(lines, known, tolerance):
    booked = set()
    for found in match(lines, known, tolerance_minor=tolerance):
        parted = found.cut_minor + found.remitted_minor + found.shortage_minor
        if found.result not in BOOKED:
            assert (found.cut_minor, found.remitted_minor, found.shortage_minor) == (0, 0, 0)
            continue
        (claim,) = found.claims
        assert parted == claim.open_minor
        assert 0 <= found.cut_minor <= claim.cut_minor
        assert found.remitted_minor == found.line.remitted_minor
        assert found.shortage_minor >= -tolerance
        assert claim.tracking_number not in booked, "no parcel is paid for twice by one file"
        booked.add(claim.tracking_number)
        if found.result in AGREED:
            assert found.shortage_minor <= tolerance


@given(st.lists(LINES, max_size=6, unique_by=lambda line: line.line), claims(), st.randoms())
def test_the_order_of_lines_makes_no_difference(lines, known, random):
    shuffled = list(lines)
    random.shuffle(shuffled)

    def found(ordered):
        matches = match(ordered, known, tolerance_minor=TOLERANCE)
        return sorted((each.line.line, each.result.value, each.shortage_minor) for each in matches)

    assert found(lines) == found(shuffled)
