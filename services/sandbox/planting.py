"""Plants requested mistakes in a bank's statement. The books keep the truth. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

MOST_OF_A_KIND: Final = 100
KINDS: Final = ("missing", "duplicate", "amount", "unknown_credit", "unknown_debit")

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Numbers of rows: from the first on, rows are left out, then repeated, then changed in amount.
    Unknown rows follow at the end.
    """

    missing: int = 0
    duplicate: int = 0
    amount: int = 0
    unknown_credit: int = 0
    unknown_debit: int = 0


def parse(counts: Mapping[str, int]) -> Mistakes:
    return Mistakes(**{kind: counts.get(kind, 0) for kind in KINDS})


def planted(
    rows: Sequence[Row],
    mistakes: Mistakes,
    *,
    changed: Callable[[Row], Row],
    unknown: Callable[[int, int], Row],
) -> Iterator[Row]:
    """`unknown`: makes an unknown row of a sign and a number."""
    twice = mistakes.missing + mistakes.duplicate
    for place, row in enumerate(rows):
        if place < mistakes.missing:
            continue
        if place < twice:
            yield row
        yield changed(row) if twice <= place < twice + mistakes.amount else row
    for sign, count in ((1, mistakes.unknown_credit), (-1, mistakes.unknown_debit)):
        for number in range(1, count + 1):
            yield unknown(sign, number)
