"""Amounts owed, by age: sums per bucket, for a chart and its table. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """`bucket` is the key of its text."""

    bucket: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Ageing:
    currency: str
    parts: tuple[Part, ...]

    @property
    def total_minor(self) -> int:
        return sum(part.amount_minor for part in self.parts)


def totals(rows: Iterable[Mapping[str, int]], currency: str, buckets: Iterable[str] = ()) -> Ageing:
    """The sum of each bucket; `buckets` are included even if empty, in this order."""
    sums = dict.fromkeys(buckets, 0)
    for row in rows:
        for bucket, amount_minor in row.items():
            sums[bucket] = sums.get(bucket, 0) + amount_minor
    return Ageing(currency, tuple(Part(*pair) for pair in sums.items()))
