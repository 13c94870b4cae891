"""What a courier's remittance file says: a line for each parcel that it has passed money on for. Pure.

All of a file is read before anything of it is used: whoever applied the lines before a broken one would
apply them again with the mended file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from libs.money import exponent
from libs.sheets import reading
from libs.sheets.cells import Cell, WrongCellError, amount_of, day_of, text_of
from libs.sheets.limits import Fault, UnreadableError
from libs.sheets.reading import Row
from services.cod.rules.couriers import Columns, Meaning

MOST_FAULTS: Final = 100  # told of one file
LONGEST: Final = 100  # characters of a number or reference
_TOTAL: Final = re.compile(r"(?:tot\.?|totale|totali|totals?)\b.*", re.IGNORECASE)
_KEYS: Final = ("tracking_number", "sender_reference")
_AMOUNTS: Final = ("collected", "cut", "remitted")

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Reading:
    """Lines of a file, or what is wrong with it."""

    lines: tuple[RemittanceLine, ...] = ()
    faults: tuple[Fault, ...] = ()


def read(data: bytes, columns: Columns, currency: str) -> Reading:
    """All lines in the order of the file, equal ones too; none of a file that has a fault."""
    reader = _Reader(columns, exponent(currency))
    names = [column for _, column in columns.names]
    try:
        for row in reading.read(data, names, header_row=columns.header_row):
            reader.take(row)
            if len(reader.faults) >= MOST_FAULTS:
                break
    except UnreadableError as unreadable:
        reader.faults.append(unreadable.fault)
    if reader.faults:
        return Reading(faults=tuple(reader.faults))
    return Reading(lines=tuple(reader.lines))


class _Reader:
    """Reads row after row of one file."""

    def __init__(self, columns: Columns, places: int) -> None:
        self.lines: list[RemittanceLine] = []
        self.faults: list[Fault] = []
        self._columns = columns
        self._named = dict(columns.names)
        self._places = places
        self._meanings = {reading.folded(word.text): word.meaning for word in columns.words}
        self._total_on: int | None = None

    def take(self, row: Row | Fault) -> None:
        if isinstance(row, Fault):
            self.faults.append(row)
            return
        faults = len(self.faults)
        if self._is_total(row):
            self._check_total(row)
        elif self._total_on is not None:
            self._fault(row, "", f"stands below the total in line {self._total_on}")
        else:
            line = self._line(row)
            if len(self.faults) == faults:
                self.lines.append(line)

    def _line(self, row: Row) -> RemittanceLine:
        tracking = self._told(row, "tracking_number", self._code) or ""
        reference = self._told(row, "sender_reference", self._code) or ""
        if not any(self._says(row, name) for name in _KEYS):
            self._fault(row, "", "has neither a tracking number nor a reference")
        meaning = self._told(row, "state", self._meaning)
        amounts = self._amounts(row, meaning)
        return RemittanceLine(
            line=row.line,
            tracking_number=tracking,
            sender_reference=reference,
            collected_minor=amounts.get("collected"),
            cut_minor=_cut(amounts),
            remitted_minor=_remitted(amounts),
            on=self._told(row, "on", lambda cell: day_of(cell, self._columns.days)),
            meaning=meaning,
        )

    def _amounts(self, row: Row, meaning: Meaning | None) -> Mapping[str, int]:
        """Of a parcel that came back there may be none."""
        back = meaning in {Meaning.REFUSED, Meaning.RETURNED}
        found: dict[str, int] = {}
        for name in _AMOUNTS:
            if name not in self._named:
                continue
            amount = self._told(row, name, self._amount)
            if not self._says(row, name) and not back:
                self._fault(row, name, "is empty")
            found[name] = amount or 0
        return found

    def _amount(self, cell: Cell) -> int:
        return amount_of(cell, self._columns.amounts, places=self._places)

    def _meaning(self, cell: Cell) -> Meaning | None:
        word = text_of(cell)
        meaning = self._meanings.get(reading.folded(word))
        if meaning is None and self._meanings:
            raise WrongCellError("is not among the courier's words, whose meanings are known")
        return meaning

    @staticmethod
    def _code(cell: Cell) -> str:
        code = text_of(cell).strip()
        if len(code) > LONGEST:
            raise WrongCellError(f"has more than {LONGEST} characters")
        return code

    def _told(self, row: Row, name: str, read_cell: Callable[[Cell], T]) -> T | None:
        """None when the file has no such column, when the cell is blank, or wrong: then it is a fault."""
        if not self._says(row, name):
            return None
        try:
            return read_cell(row.cells[self._named[name]])
        except WrongCellError as wrong:
            self._fault(row, name, str(wrong))
            return None

    def _says(self, row: Row, name: str) -> bool:
        return name in self._named and row.cells[self._named[name]] != ""

    def _is_total(self, row: Row) -> bool:
        """A row whose number or reference is the word for a total."""
        keys = [row.cells[self._named[name]] for name in _KEYS if name in self._named]
        said = [key for key in keys if key != ""]
        return bool(said) and all(isinstance(key, str) and _TOTAL.fullmatch(key) for key in said)

    def _check_total(self, row: Row) -> None:
        """Sums that the file says of its own lines: when they do not add up, lines are missing."""
        self._total_on = row.line
        if self.faults:
            return
        for name in _AMOUNTS:
            amount = self._told(row, name, self._amount)
            if amount is not None and amount != self._sum(name):
                self._fault(row, name, "is not the sum of the lines above")

    def _sum(self, name: str) -> int:
        return sum(getattr(line, f"{name}_minor") or 0 for line in self.lines)

    def _fault(self, row: Row, name: str, reason: str) -> None:
        self.faults.append(Fault(row.line, self._named.get(name, ""), reason))


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
