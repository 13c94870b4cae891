"""Lists as people type and order them. Pure."""

import re
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def words_of(text: str) -> list[str]:
    """Words separated by commas, semicolons or spaces, without duplicates."""
    return list(dict.fromkeys(re.findall(r"[^\s,;]+", text)))


def names_of(text: str) -> list[str]:
    """Names separated by commas or semicolons, since they may have spaces; without duplicates."""
    found = (part.strip() for part in re.split(r"[,;]", text))
    return list(dict.fromkeys(part for part in found if part))


def numbers_of(text: str) -> list[int] | None:
    """Whole numbers, sorted, without duplicates; None if anything else is among them."""
    words = words_of(text)
    if not all(word.isascii() and word.isdigit() for word in words):
        return None
    return sorted({int(word) for word in words})


def moved(items: Sequence[T], place: int, by: int) -> list[T]:
    """Swaps the item at `place` with the one `by` places on; changes nothing beyond either end."""
    found, to = list(items), place + by
    if 0 <= to < len(found):
        found[place], found[to] = found[to], found[place]
    return found
