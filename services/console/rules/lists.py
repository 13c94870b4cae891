"""Lists as people type and order them. Pure."""

import re
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def words_of(text: str) -> list[str]:
    """Between commas, semicolons or spaces; each once."""
    return list(dict.fromkeys(re.findall(r"[^\s,;]+", text)))


def names_of(text: str) -> list[str]:
    """Between commas or semicolons, where names have spaces; each once."""
    found = (part.strip() for part in re.split(r"[,;]", text))
    return list(dict.fromkeys(part for part in found if part))


def numbers_of(text: str) -> list[int] | None:
    """Whole numbers, each once, in order; None if anything else is among them."""
    words = words_of(text)
    if not all(word.isascii() and word.isdigit() for word in words):
        return None
    return sorted({int(word) for word in words})


def moved(items: Sequence[T], place: int, by: int) -> list[T]:
    """With the item at `place` one further on, or as it was at the end."""
    found, to = list(items), place + by
    if 0 <= to < len(found):
        found[place], found[to] = found[to], found[place]
    return found
