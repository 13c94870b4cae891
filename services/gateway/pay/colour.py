"""A merchant's colour made readable: what the pages' theme derives from it. Pure.

Contrast is WCAG 2's ratio of relative luminances; text needs 4.5, on either scheme.
"""

import re
from dataclasses import dataclass
from typing import Final

TEXT_RATIO: Final = 4.5
LIGHT_SURFACE: Final = "#ffffff"
DARK_SURFACE: Final = "#18202a"
# The sunken parts of a page, where coloured text may stand too.
LIGHT_GROUND: Final = "#f3f5f8"
DARK_GROUND: Final = "#0e1319"
OURS: Final = "#0b6b57"
WHITE: Final = "#ffffff"
BLACK: Final = "#000000"
_HEX = re.compile(r"#[0-9a-f]{6}")
_STEPS: Final = 40
_LINEAR_BELOW: Final = 0.04045  # of the sRGB transfer function

Rgb = tuple[int, int, int]


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
    """Of a merchant's main colour; ours when it is none."""
    colour = primary.lower() if _HEX.fullmatch(primary.lower()) else OURS
    light_soft = mixed(LIGHT_SURFACE, readable(colour, LIGHT_SURFACE, towards=BLACK), 0.07)
    dark_soft = mixed(DARK_SURFACE, readable(colour, DARK_SURFACE, towards=WHITE), 0.12)
    return Theme(
        fill=colour,
        on_fill=WHITE if contrast(colour, WHITE) >= TEXT_RATIO else _better(colour),
        light_ink=readable(colour, LIGHT_GROUND, light_soft, towards=BLACK),
        dark_ink=readable(colour, DARK_SURFACE, dark_soft, towards=WHITE),
        light_soft=light_soft,
        dark_soft=dark_soft,
    )


def contrast(one: str, other: str) -> float:
    """1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable(colour: str, *grounds: str, towards: str) -> str:
    """The colour nearest to `colour`, on its way to `towards`, that is legible on all grounds."""
    for step in range(_STEPS):
        found = mixed(colour, towards, step / _STEPS)
        if min(contrast(found, ground) for ground in grounds) >= TEXT_RATIO:
            return found
    return towards


def mixed(one: str, other: str, share: float) -> str:
    """`share` of `other` in `one`."""
    parts = zip(_rgb(one), _rgb(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def _better(colour: str) -> str:
    return max(WHITE, BLACK, key=lambda ink: contrast(colour, ink))


def _linear(part: float) -> float:
    return part / 12.92 if part <= _LINEAR_BELOW else ((part + 0.055) / 1.055) ** 2.4


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
