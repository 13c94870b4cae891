"""The sheet of an XLSX workbook with the wanted header, row by row. Pure.

openpyxl reads incrementally, so neither a million empty rows nor a cell in the very last column
fills the memory. What unpacking.py refuses never gets here.
"""

import io
import math
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final

import openpyxl

from libs.sheets import unpacking
from libs.sheets.cells import SAFE_DIGITS, Cell
from libs.sheets.limits import Limits, UnreadableError

MAGIC: Final = b"PK\x03\x04"
LAST_LINE: Final = 2**20  # of a spreadsheet

Lines = Iterator[tuple[int, list[Cell]]]

# Warnings about styles and checks that openpyxl does not know: they change no value.
warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")


def lines(
    data: bytes, limits: Limits, *, header_row: int, is_header: Callable[[list[Cell]], bool]
) -> Lines:
    """Rows of the first sheet with a matching header, up to the header's last column; empty rows
    are left out. Nothing if no header matches.
    """
    unpacking.check(data, limits)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # the size that it declares is often wrong
            header = _header(sheet, limits, header_row)
            if is_header(header):
                yield from _read(sheet, limits, width=len(header))
                return
    except UnreadableError:
        raise
    except Exception:  # noqa: BLE001 - a broken workbook makes openpyxl fail in any way
        raise UnreadableError(unpacking.BROKEN) from None


def _header(sheet: Any, limits: Limits, number: int) -> list[Cell]:
    """The cells of the row up to the last non-empty one."""
    rows = sheet.iter_rows(
        min_row=number, max_row=number, max_col=limits.columns + 1, values_only=True
    )
    cells = [_cell(value, number, limits) for value in next(rows, ())]
    while cells and cells[-1] == "":
        cells.pop()
    return cells


def _read(sheet: Any, limits: Limits, *, width: int) -> Lines:
    rows = sheet.iter_rows(max_col=width, values_only=True)
    for line, values in enumerate(rows, start=1):
        if line > LAST_LINE:
            raise UnreadableError("has more lines than a spreadsheet can have", line=line)
        if values.count(None) < len(values):
            yield line, [_cell(value, line, limits) for value in values]


def _cell(value: object, line: int, limits: Limits) -> Cell:
    """A number with the digits that the spreadsheet shows: further ones are rounding noise."""
    if isinstance(value, bool) or not isinstance(value, int | float | date):
        text = "" if value is None else str(value)
        if len(text) > limits.characters:
            raise UnreadableError(
                f"has a cell of more than {limits.characters} characters", line=line
            )
        return text
    if isinstance(value, date):
        return value
    if not math.isfinite(value):
        raise UnreadableError("has a numeric cell without a number", line=line)
    return Decimal(value) if isinstance(value, int) else Decimal(format(value, f".{SAFE_DIGITS}g"))
