"""Texts that people write: the allowed characters, and how to embed them in other text.

Control characters and those that change the direction of what follows (Unicode UAX 9: embeddings,
overrides, isolates) let a name rearrange the amount after it or break a mail header. They are
refused on input. Words of a right-to-left script are welcome; they are isolated on output, so that
they only affect themselves.
"""

import re
import unicodedata
from typing import Final

FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"
# C0, DEL and C1 controls, line and paragraph separators, directions, surrogates.
_BREAKS: Final = "\t\n\r"
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})


def wrong_character(text: str, *, multiline: bool) -> str | None:
    """What is wrong with a character of `text`, as a sentence. Line breaks and tabs are allowed in
    multi-line texts only.
    """
    for found in _FORBIDDEN.finditer(text):
        character = found[0]
        if character not in _BREAKS:
            return f"must not contain the control character U+{ord(character):04X}"
        if not multiline:
            return "must not contain line breaks or tabs"
    return None


def without_controls(text: str) -> str:
    """For texts from machines, which cannot be asked to correct them: controls become spaces."""
    return _FORBIDDEN.sub(" ", text)


def spelt_out(text: str, *, most: int = 100) -> str:
    """The beginning of a caller's text, for error messages: controls as escapes."""
    return _FORBIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text[:most])


def isolated(text: str) -> str:
    """For use within other text: right-to-left text only affects itself."""
    if _RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, text)):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"


def paragraphs(whole: str) -> list[str]:
    """The paragraphs of a plain text, which empty lines separate."""
    parts = whole.replace("\r\n", "\n").split("\n\n")
    return [part.strip("\n") for part in parts if part.strip()]
