"""Plants requested mistakes in a file of a bank or PSP. The books keep the truth. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

MOST_OF_A_KIND: Final = 100
KINDS: Final = ("missing", "duplicate", "amount", "unknown")

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Number of rows, from the first on, that are left out, then repeated, then changed in amount.
    Rows that nobody knows follow at the end.
    """

    missing: int = 0
    duplicate: int = 0
    amount: int = 0
    unknown: int = 0


def parse(counts: Mapping[str, int]) -> Mistakes:
    return Mistakes(**{kind: counts.get(kind, 0) for kind in KINDS})


def planted(
    rows: Sequence[Row],
    mistakes: Mistakes,
    *,
    changed: Callable[[Row], Row],
    unknown: Callable[[int], Row],
) -> Iterator[Row]:
    twice = mistakes.missing + mistakes.duplicate
    for place, row in enumerate(rows):
        if place < mistakes.missing:
            continue
        if place < twice:
            yield row
        yield changed(row) if twice <= place < twice + mistakes.amount else row
    for number in range(mistakes.unknown):
        yield unknown(number + 1)
