"""Differences between the books and the rebuilt books. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class DifferenceKind(Enum):
    MISSING = "missing"  # an event that is not booked
    UNKNOWN = "unknown"  # an entry without an event
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row in which the books differ. `live`: the current row; `rebuilt`: the one from the events;
    None if there is no such row.
    """

    merchant_id: str
    table: str
    key: str
    kind: DifferenceKind
    live: Mapping[str, Any] | None
    rebuilt: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Compared:
    """`first`: the first differences; `counts`: the number of all differences, by kind and table."""

    entries: int
    first: Sequence[Difference] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        return not self.counts

    def count(self, kind: DifferenceKind) -> int:
        return sum(n for name, n in self.counts.items() if name.startswith(f"{kind.value} "))
