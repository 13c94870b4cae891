"""A courier's remittance file: one line per parcel for which it has passed money on. Pure."""

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
    """`collected_minor` and `cut_minor`: None if the file does not say. The amount passed on is
    stated, or is the collected amount less the cut. `meaning`: None if the file has no word for it.
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
    """All lines in file order, including duplicates; none if the file has a fault."""
    return _Reader(columns, currency).read(data)


class _Reader(Reader[RemittanceLine]):
    KEYS = ("tracking_number", "sender_reference")
    SUMS = ("collected", "cut", "remitted")

    def __init__(self, columns: RemittanceColumns, currency: str) -> None:
        super().__init__(columns, columns.amounts, currency)
        self._days = columns.days
        self._words = {folded(word.text): word.meaning for word in columns.words}

    def line(self, row: Row) -> RemittanceLine:
        tracking = self.cell(row, "tracking_number", code_of) or ""
        reference = self.cell(row, "sender_reference", code_of) or ""
        if not any(self.has_value(row, name) for name in self.KEYS):
            self.fault(row, "", "has neither a tracking number nor a reference")
        meaning = self.cell(row, "state", self._meaning)
        amounts = self._amounts_of(row, meaning)
        return RemittanceLine(
            line=row.line,
            tracking_number=tracking,
            sender_reference=reference,
            collected_minor=amounts.get("collected"),
            cut_minor=_cut(amounts),
            remitted_minor=_remitted(amounts),
            on=self.cell(row, "on", lambda cell: day_of(cell, self._days)),
            meaning=meaning,
        )

    def _amounts_of(self, row: Row, meaning: Meaning | None) -> Mapping[str, int]:
        """A returned parcel may have none."""
        found: dict[str, int] = {}
        for name in self.SUMS:
            if not self.has_column(name):
                continue
            amount = self.cell(row, name, self.amount)
            if not self.has_value(row, name) and meaning not in _BACK:
                self.fault(row, name, "is empty")
            found[name] = amount or 0
        return found

    def _meaning(self, cell: Cell) -> Meaning | None:
        """Not looked up if the courier has no words."""
        return word_of(cell, self._words) if self._words else None


def _cut(amounts: Mapping[str, int]) -> int | None:
    """The cut as stated, sometimes negative, or computed from the other two amounts."""
    if "cut" in amounts:
        return abs(amounts["cut"])
    if {"collected", "remitted"} <= amounts.keys():
        return amounts["collected"] - amounts["remitted"]
    return None


def _remitted(amounts: Mapping[str, int]) -> int:
    if "remitted" in amounts:
        return amounts["remitted"]
    return amounts.get("collected", 0) - abs(amounts.get("cut", 0))
