import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cod.rules.cuts import Cut, Shares, cut_of, shares_of

MINOR = st.integers(0, 999_999_999_999)
CUTS = st.builds(
    lambda share, fixed, least, more: Cut(
        basis_points=share,
        fixed_minor=fixed,
        minimum_minor=least,
        maximum_minor=None if more is None else least + more,
    ),
    st.integers(0, 10_000),
    MINOR,
    MINOR,
    st.none() | MINOR,
)


@pytest.mark.parametrize(
    ("cut", "collected", "kept"),
    [
        (Cut(), 100_00, 0),
        (Cut(basis_points=300), 100_00, 3_00),
        (Cut(basis_points=300), 50, 2),  # 1.5 cents, half up
        (Cut(fixed_minor=3_00), 100_00, 3_00),
        (Cut(basis_points=150, fixed_minor=1_00), 100_00, 2_50),
        (Cut(basis_points=300, minimum_minor=3_00), 40_00, 3_00),
        (Cut(basis_points=300, maximum_minor=25_00), 2_000_00, 25_00),
        (Cut(minimum_minor=3_00), 2_00, 2_00),  # no more than was collected
        (Cut(basis_points=10_000), 2_00, 2_00),
        (Cut(minimum_minor=3_00), 0, 0),
    ],
)
def test_a_cut_follows_the_couriers_terms(cut, collected, kept):
    assert cut_of(cut, collected) == kept


@given(CUTS, MINOR)
def test_a_cut_is_within_its_limits_and_never_more_than_was_collected(cut, collected):
    kept = cut_of(cut, collected)
    assert min(cut.minimum_minor, collected) <= kept <= collected
    assert cut.maximum_minor is None or kept <= cut.maximum_minor


@given(CUTS, MINOR, MINOR)
def test_who_collects_more_keeps_no_less(cut, one, other):
    low, high = sorted((one, other))
    assert cut_of(cut, low) <= cut_of(cut, high)


@given(CUTS, MINOR, MINOR)
def test_cut_remitted_and_shortage_are_what_was_collected(cut, collected, remitted):
    shares = shares_of(cut, collected_minor=collected, remitted_minor=remitted)
    assert shares.cut_minor + shares.remitted_minor + shares.shortage_minor == collected


def test_half_a_euro_that_did_not_arrive_is_a_shortage():
    found = shares_of(Cut(fixed_minor=3_00), collected_minor=100_00, remitted_minor=96_50)
    assert found == Shares(cut_minor=3_00, remitted_minor=96_50, shortage_minor=50)
