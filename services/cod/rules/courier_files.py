"""Reads a courier's file row by row, using its columns; the same way for every kind of file. Pure.

A file is read whole before any of it is used: otherwise, lines before a faulty one would be applied
again with the corrected file.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from libs.money import exponent
from libs.sheets import reading
from libs.sheets.cells import AmountStyle, Cell, WrongCellError, amount_of, text_of
from libs.sheets.limits import Fault, Limits, UnreadableError
from libs.sheets.reading import LIMITS, Row
from services.cod.rules.columns import Sheet

MOST_FAULTS: Final = 100  # reported per file
LONGEST: Final = 100  # characters of a reference
LONGEST_NUMBER: Final = 60
_TOTAL: Final = re.compile(r"(?:tot\.?|totale|totali|totals?)\b.*", re.IGNORECASE)

RECORDED: Final = Limits(rows=30_000)  # for files that are recorded as they are read

L = TypeVar("L")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[L]):
    """The lines of a file in its order, including duplicates; or its faults."""

    lines: tuple[L, ...] = ()
    faults: tuple[Fault, ...] = ()


class Reader(ABC, Generic[L]):
    """Reads one file. Each kind of file defines how a row is read. `KEYS` are the columns that
    identify the row with the total, in which the `SUMS` columns contain the sums of the lines'
    fields with `_minor`.
    """

    KEYS: ClassVar[tuple[str, ...]]
    SUMS: ClassVar[tuple[str, ...]] = ()
    LIMITS: ClassVar[Limits] = LIMITS

    def __init__(self, sheet: Sheet, amounts: AmountStyle, currency: str) -> None:
        self._lines: list[L] = []
        self._faults: list[Fault] = []
        self._header_row = sheet.header_row
        self._named = dict(sheet.names)
        self._amounts = amounts
        self._places = exponent(currency)
        self._total_on: int | None = None

    @abstractmethod
    def line(self, row: Row) -> L | None:
        """The content of a row; None if it has none. Reports faults with `fault`."""

    def read(self, data: bytes) -> Reading[L]:
        """No lines if the file has a fault."""
        columns = list(self._named.values())
        try:
            for row in reading.read(data, columns, header_row=self._header_row, limits=self.LIMITS):
                self._take(row)
                if len(self._faults) >= MOST_FAULTS:
                    break
        except UnreadableError as unreadable:
            self._faults.append(unreadable.fault)
        if self._faults:
            return Reading(faults=tuple(self._faults))
        return Reading(lines=tuple(self._lines))

    def fault(self, row: Row, name: str, reason: str) -> None:
        self._faults.append(Fault(row.line, self._named.get(name, ""), reason))

    def has_column(self, name: str) -> bool:
        """Whether the file has such a column."""
        return name in self._named

    def has_value(self, row: Row, name: str) -> bool:
        return name in self._named and row.cells[self._named[name]] != ""

    def cell(self, row: Row, name: str, read_cell: Callable[[Cell], T]) -> T | None:
        """None if the file has no such column, or if the cell is blank or wrong; the latter is a
        fault.
        """
        if not self.has_value(row, name):
            return None
        try:
            return read_cell(row.cells[self._named[name]])
        except WrongCellError as wrong:
            self.fault(row, name, str(wrong))
            return None

    def amount(self, cell: Cell) -> int:
        return amount_of(cell, self._amounts, places=self._places)

    def _take(self, row: Row | Fault) -> None:
        if isinstance(row, Fault):
            self._faults.append(row)
            return
        faults = len(self._faults)
        if self._is_total(row):
            self._check_total(row)
        elif self._total_on is not None:
            self.fault(row, "", f"is below the total in line {self._total_on}")
        else:
            line = self.line(row)
            if line is not None and len(self._faults) == faults:
                self._lines.append(line)

    def _is_total(self, row: Row) -> bool:
        """Whether the row's number or reference is the word for a total."""
        keys = [row.cells[self._named[name]] for name in self.KEYS if name in self._named]
        filled = [key for key in keys if key != ""]
        return bool(filled) and all(
            isinstance(key, str) and _TOTAL.fullmatch(key) for key in filled
        )

    def _check_total(self, row: Row) -> None:
        """Compares the file's own totals: if they do not add up, lines are missing."""
        self._total_on = row.line
        if self._faults:
            return
        for name in self.SUMS:
            amount = self.cell(row, name, self.amount)
            if amount is not None and amount != self._sum(name):
                self.fault(row, name, "is not the sum of the lines above")

    def _sum(self, name: str) -> int:
        return sum(getattr(line, f"{name}_minor") or 0 for line in self._lines)


def code_of(cell: Cell, longest: int = LONGEST) -> str:
    """A number or reference."""
    code = text_of(cell).strip()
    if len(code) > longest:
        raise WrongCellError(f"has more than {longest} characters")
    return code


def number_of(cell: Cell) -> str:
    """A tracking number, for parcels recorded under it."""
    return code_of(cell, LONGEST_NUMBER)


def word_of(cell: Cell, words: Mapping[str, T]) -> T:
    """The meaning of one of the courier's words. `words`: folded."""
    try:
        return words[reading.folded(text_of(cell))]
    except KeyError:
        raise WrongCellError("is not one of the courier's known words") from None
