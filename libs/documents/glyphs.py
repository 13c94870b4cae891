"""The characters that the fonts can draw. The fonts are those in typst's wheel: none is shipped or
looked up.

PDF/UA forbids a character without a glyph. Text in an unsupported script is transliterated
(AnyAscii), which is readable, unlike boxes; symbols become a dot.
"""

import re
import unicodedata
from typing import Any, Final

from anyascii import anyascii

LONGEST_WORD: Final = 30  # fits into every column
# Latin, Greek, Cyrillic, Hebrew, Arabic, punctuation, currencies, № and ™. A test draws each of
# them.
DRAWN: Final = (
    "\u0020-\u007e\u00a0-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u04ff"
    "\u0591-\u05c7\u05d0-\u05ea\u060c\u061b\u061f\u0621-\u063a\u0640-\u0655\u0660-\u066c"
    "\u067e\u0686\u0698\u06a9\u06af\u1e00-\u1eff\u200b-\u200f\u2010-\u2027\u202f-\u203f"
    "\u2066-\u2069\u20a0-\u20c0\u2116\u2122"
)
_FOREIGN = re.compile(f"[^{DRAWN}]+")
SYMBOL: Final = "•"
_LONG = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")


def drawable(values: dict[str, Any]) -> dict[str, Any]:
    """The same values with every text in it drawable, however deeply nested."""
    return {key: _each(value) for key, value in values.items()}


def _each(value: Any) -> Any:
    if isinstance(value, str):
        return _drawn(value)
    if isinstance(value, dict):
        return drawable(value)
    if isinstance(value, (list, tuple)):
        return [_each(one) for one in value]
    return value


def _drawn(text: str) -> str:
    """The text in drawable characters, with break opportunities in words wider than a column."""
    composed = unicodedata.normalize("NFC", text)
    return _LONG.sub("\\g<0>\u200b", _FOREIGN.sub(_in_latin, composed))


def _in_latin(foreign: re.Match[str]) -> str:
    is_word = any(character.isalnum() for character in foreign[0])
    return anyascii(foreign[0]) if is_word else SYMBOL
