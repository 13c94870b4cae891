"""What the ledger should say and what it does: differences between the books and those built anew. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class DifferenceKind(Enum):
    MISSING = "missing"  # an event is not booked
    UNKNOWN = "unknown"  # what is booked was told by no event
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of one of the books. `live`: as it is; `rebuilt`: as the events have it; None where there is none."""

    merchant_id: str
    table: str
    key: str
    kind: DifferenceKind
    live: Mapping[str, Any] | None
    rebuilt: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Compared:
    """`first`: some of the differences; `counts`: all of them, by kind and table."""

    entries: int
    first: Sequence[Difference] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        return not self.counts

    def count(self, kind: DifferenceKind) -> int:
        return sum(n for name, n in self.counts.items() if name.startswith(f"{kind.value} "))
