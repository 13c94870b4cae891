import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.colours import OURS, TEXT_RATIO, contrast
from libs.web import theme as themes
from libs.web.theme import theme

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS)
def test_whatever_the_merchants_colour_text_is_legible(primary):
    found = theme(primary)
    assert found.fill == primary
    assert contrast(found.on_fill, found.fill) >= TEXT_RATIO
    for ground in (themes.LIGHT_GROUND, themes.LIGHT_SURFACE, found.light_soft):
        assert contrast(found.light_ink, ground) >= TEXT_RATIO
    for ground in (themes.DARK_GROUND, themes.DARK_SURFACE, found.dark_soft):
        assert contrast(found.dark_ink, ground) >= TEXT_RATIO


@pytest.mark.parametrize("primary", ["", "red", "#fff", "#12345g"])
def test_an_invalid_colour_falls_back_to_ours(primary):
    assert theme(primary).fill == OURS
