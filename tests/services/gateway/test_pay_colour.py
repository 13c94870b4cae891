import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.pay import colour
from services.gateway.pay.colour import OURS, TEXT_RATIO, contrast, theme

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS)
def test_whatever_the_merchants_colour_text_is_legible(primary):
    found = theme(primary)
    assert found.fill == primary
    assert contrast(found.on_fill, found.fill) >= TEXT_RATIO
    for ground in (colour.LIGHT_GROUND, colour.LIGHT_SURFACE, found.light_soft):
        assert contrast(found.light_ink, ground) >= TEXT_RATIO
    for ground in (colour.DARK_GROUND, colour.DARK_SURFACE, found.dark_soft):
        assert contrast(found.dark_ink, ground) >= TEXT_RATIO


def test_contrast_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("primary", ["", "red", "#fff", "#12345g"])
def test_what_is_no_colour_is_ours(primary):
    assert theme(primary).fill == OURS
