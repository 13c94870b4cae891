"""What is owed, by how long it has been: sums by bucket, for a chart and its table. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """`bucket` names its words."""

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
    """Sums of each bucket; `buckets` are there even if nothing is in them, in this order."""
    sums = dict.fromkeys(buckets, 0)
    for row in rows:
        for bucket, amount_minor in row.items():
            sums[bucket] = sums.get(bucket, 0) + amount_minor
    return Ageing(currency, tuple(Part(*pair) for pair in sums.items()))
