"""What people write: which characters it may hold, and how it stands beside other text.

Control characters and those that turn the direction of what follows (Unicode UAX 9: embeddings,
overrides, isolates) let a name rearrange the amount behind it or end a line of a mail. They are
refused at the door. Words of a right-to-left script are welcome; they are isolated where they are
shown, so that they turn nothing but themselves.
"""

import re
import unicodedata
from typing import Final

FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"
# C0, DEL and C1 controls, line and paragraph separators, directions, halves of surrogate pairs.
_BREAKS: Final = "\t\n\r"
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})


def wrong_character(text: str, *, multiline: bool) -> str | None:
    """What is wrong with a character of `text`, as a sentence. Line breaks and tabs only in many lines."""
    for found in _FORBIDDEN.finditer(text):
        character = found[0]
        if character not in _BREAKS:
            return f"must not contain the control character U+{ord(character):04X}"
        if not multiline:
            return "must not contain line breaks or tabs"
    return None


def without_controls(text: str) -> str:
    """For what a machine sent and nobody can be asked to write otherwise: blanks instead."""
    return _FORBIDDEN.sub(" ", text)


def spelt_out(text: str, *, most: int = 100) -> str:
    """The beginning of what a caller made up, to be told back: controls as escapes."""
    return _FORBIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text[:most])


def isolated(text: str) -> str:
    """For use within other text: what is written from right to left turns only itself."""
    if _RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, text)):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"
