"""What a courier's remittance file says: a line for each parcel that it has passed money on for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from libs.sheets.cells import Cell, day_of
from libs.sheets.reading import Row, folded
from services.cod.rules.columns import Meaning, RemittanceColumns
from services.cod.rules.courier_files import Reader, Reading, code_of, word_of

_BACK: Final = frozenset({Meaning.REFUSED, Meaning.RETURNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RemittanceLine:
    """`collected_minor` and `cut_minor`: None where the file does not say. What is passed on is said, or
    is what was collected without the cut. `meaning`: None where the file has no word for it.
    """

    line: int
    tracking_number: str
    sender_reference: str
    collected_minor: int | None
    cut_minor: int | None
    remitted_minor: int
    on: date | None
    meaning: Meaning | None


def read(data: bytes, columns: RemittanceColumns, currency: str) -> Reading[RemittanceLine]:
    """All lines in the order of the file, equal ones too; none of a file that has a fault."""
    return _Reader(columns, currency).read(data)


class _Reader(Reader[RemittanceLine]):
    KEYS = ("tracking_number", "sender_reference")
    SUMS = ("collected", "cut", "remitted")

    def __init__(self, columns: RemittanceColumns, currency: str) -> None:
        super().__init__(columns, columns.amounts, currency)
        self._days = columns.days
        self._words = {folded(word.text): word.meaning for word in columns.words}

    def line(self, row: Row) -> RemittanceLine:
        tracking = self.told(row, "tracking_number", code_of) or ""
        reference = self.told(row, "sender_reference", code_of) or ""
        if not any(self.says(row, name) for name in self.KEYS):
            self.fault(row, "", "has neither a tracking number nor a reference")
        meaning = self.told(row, "state", self._meaning)
        amounts = self._amounts_of(row, meaning)
        return RemittanceLine(
            line=row.line,
            tracking_number=tracking,
            sender_reference=reference,
            collected_minor=amounts.get("collected"),
            cut_minor=_cut(amounts),
            remitted_minor=_remitted(amounts),
            on=self.told(row, "on", lambda cell: day_of(cell, self._days)),
            meaning=meaning,
        )

    def _amounts_of(self, row: Row, meaning: Meaning | None) -> Mapping[str, int]:
        """Of a parcel that came back there may be none."""
        found: dict[str, int] = {}
        for name in self.SUMS:
            if not self.has(name):
                continue
            amount = self.told(row, name, self.amount)
            if not self.says(row, name) and meaning not in _BACK:
                self.fault(row, name, "is empty")
            found[name] = amount or 0
        return found

    def _meaning(self, cell: Cell) -> Meaning | None:
        """Where no words are known, none is looked for."""
        return word_of(cell, self._words) if self._words else None


def _cut(amounts: Mapping[str, int]) -> int | None:
    """As the file says it, some with a minus, or as it follows from the other two."""
    if "cut" in amounts:
        return abs(amounts["cut"])
    if {"collected", "remitted"} <= amounts.keys():
        return amounts["collected"] - amounts["remitted"]
    return None


def _remitted(amounts: Mapping[str, int]) -> int:
    if "remitted" in amounts:
        return amounts["remitted"]
    return amounts.get("collected", 0) - abs(amounts.get("cut", 0))
