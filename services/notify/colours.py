"""A merchant's colour, made readable (WCAG 2.2 contrast)."""

import re
from typing import Final

ACCENT: Final = "#0b6b57"  # where the merchant has none: that of the pay pages
PAPER: Final = "#fdfdfe"  # not pure: clients that force dark mode invert pure white and black
_SHAPE_CONTRAST: Final = 3.0
_STEP: Final = 0.92
_HEX = re.compile(r"#[0-9a-f]{6}")


def fill(primary: str) -> str:
    """The merchant's colour; ours when it is none."""
    return primary.lower() if _HEX.fullmatch(primary.lower()) else ACCENT


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's own

    red, green, blue = (linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def accent(colour: str) -> str:
    """The colour, darkened until it stands out from paper."""
    shown = colour
    while contrast(shown, PAPER) < _SHAPE_CONTRAST:
        shown = "#" + "".join(f"{int(channel * _STEP):02x}" for channel in _channels(shown))
    return shown


def on(colour: str) -> str:
    """Colour of text on `colour`: black or white, one of which always has a contrast of 4.5."""
    return max("#ffffff", "#000000", key=lambda text: contrast(colour, text))
