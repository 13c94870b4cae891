"""The pages' theme in a merchant's colour, on either scheme. Pure."""

from dataclasses import dataclass
from typing import Final

from libs.colours import BLACK, WHITE, ink_on, known, mixed, readable

LIGHT_SURFACE: Final = "#ffffff"
DARK_SURFACE: Final = "#18202a"
# The sunken parts of a page, where coloured text may also appear.
LIGHT_GROUND: Final = "#f3f5f8"
DARK_GROUND: Final = "#0e1319"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as "#rrggbb": a filled button, the text on it, and text in the same hue."""

    fill: str
    on_fill: str
    light_ink: str
    dark_ink: str
    light_soft: str
    dark_soft: str


def theme(primary: str) -> Theme:
    """The theme from a merchant's main colour, or ours if it has none."""
    colour = known(primary)
    light_soft = mixed(LIGHT_SURFACE, readable(colour, LIGHT_SURFACE, towards=BLACK), 0.07)
    dark_soft = mixed(DARK_SURFACE, readable(colour, DARK_SURFACE, towards=WHITE), 0.12)
    return Theme(
        fill=colour,
        on_fill=ink_on(colour),
        light_ink=readable(colour, LIGHT_GROUND, light_soft, towards=BLACK),
        dark_ink=readable(colour, DARK_SURFACE, dark_soft, towards=WHITE),
        light_soft=light_soft,
        dark_soft=dark_soft,
    )
