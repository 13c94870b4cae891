"""Makes a merchant's colour legible wherever shoppers see it. Colours are "#rrggbb".

Contrast is WCAG 2's ratio of relative luminances, 1 to 21: text needs 4.5, shapes 3.
"""

import re
from functools import lru_cache
from typing import Final

OURS: Final = "#0b6b57"  # for a merchant without a colour
WHITE: Final = "#ffffff"
BLACK: Final = "#000000"
TEXT_RATIO: Final = 4.5
SHAPE_RATIO: Final = 3.0
_HEX = re.compile(r"#[0-9a-f]{6}")
_STEPS: Final = 40
_LINEAR_BELOW: Final = 0.04045  # of the sRGB transfer function

Rgb = tuple[int, int, int]


def known(primary: str) -> str:
    """The merchant's colour in lower case, or ours if it has none."""
    colour = primary.lower()
    return colour if _HEX.fullmatch(colour) else OURS


def contrast(one: str, other: str) -> float:
    """The contrast ratio, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1."""
    red, green, blue = (_linear(part / 255) for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=1024)
def ink_on(colour: str) -> str:
    """Text colour on a filled shape: white if it is legible, otherwise the better of black and
    white.
    """
    if contrast(colour, WHITE) >= TEXT_RATIO:
        return WHITE
    return max(WHITE, BLACK, key=lambda ink: contrast(colour, ink))


@lru_cache(maxsize=1024)
def readable(colour: str, *grounds: str, towards: str, ratio: float = TEXT_RATIO) -> str:
    """The colour closest to `colour`, moving towards `towards`, that contrasts with all grounds."""
    for step in range(_STEPS):
        found = mixed(colour, towards, step / _STEPS)
        if min(contrast(found, ground) for ground in grounds) >= ratio:
            return found
    return towards


def mixed(one: str, other: str, share: float) -> str:
    """`share` of `other` in `one`."""
    parts = zip(_rgb(one), _rgb(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def _linear(part: float) -> float:
    return part / 12.92 if part <= _LINEAR_BELOW else ((part + 0.055) / 1.055) ** 2.4


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
