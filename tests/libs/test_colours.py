"""Text on, or in, any merchant's colour is readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import colours

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS, COLOURS)
def test_every_colour_is_readable(colour, ground):
    assert colours.contrast(colours.ink_on(colour), colour) >= colours.TEXT_RATIO
    towards = colours.ink_on(ground)
    for ratio in (colours.SHAPE_RATIO, colours.TEXT_RATIO):
        shown = colours.readable(colour, ground, towards=towards, ratio=ratio)
        assert colours.contrast(shown, ground) >= ratio
    assert colours.known(colour.upper()) == colour


@pytest.mark.parametrize("wrong", ["", "#abc", "red", "#0b6b57;x:y"])
def test_an_invalid_colour_falls_back_to_ours(wrong):
    assert colours.known(wrong) == colours.OURS


def test_contrast_matches_wcag_reference_values():
    assert colours.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
