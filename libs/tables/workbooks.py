"""Tables as XLSX workbooks, in temporary files: a workbook cannot be read before its end is written.

Numbers in a spreadsheet are IEEE doubles, exact up to 15 digits: 9,999,999,999,999.99 EUR. One with
more digits is written as a text, as is a day before 1900, so that nothing is rounded. A text has at
most MAX_TEXT characters; a longer one ends with CUT. A table longer than a sheet continues on the
next one.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from libs.tables.model import Row, Table, major, places_of

SHEET_ROWS: Final = 2**20  # including the header
SAFE_DIGITS: Final = 15
MAX_TEXT: Final = 32_767
CUT: Final = " … [cut]"
_NAME_LENGTH: Final = 31
PIECE_BYTES: Final = 256 * 1024
_FIRST_DAY: Final = date(1900, 3, 1)  # spreadsheets believe in 29 February 1900
_NOT_IN_A_NAME: Final = re.compile(r"[\[\]:*?/\\']")

Cell = Callable[[int, int, Any], None]  # writes (row, column, value)


class XlsxWriter:
    """`sheet_rows`: maximum number of rows of a sheet, including the header."""

    def __init__(self, table: Table, *, sheet_rows: int = SHEET_ROWS) -> None:
        import xlsxwriter

        self._table = table
        self._sheet_rows = sheet_rows
        self._folder = tempfile.TemporaryDirectory(prefix="incasso-table-")
        self._path = Path(self._folder.name, "table.xlsx")
        self._book: Any = xlsxwriter.Workbook(
            str(self._path), {"constant_memory": True, "tmpdir": self._folder.name}
        )
        self._bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._amounts: dict[int, Any] = {}  # by decimal places
        self._sheets = 0
        self._new_sheet()

    def _new_sheet(self) -> None:
        self._sheets += 1
        suffix = f" {self._sheets}" if self._sheets > 1 else ""
        name = _NOT_IN_A_NAME.sub(" ", self._table.name)[: _NAME_LENGTH - len(suffix)]
        self._sheet = self._book.add_worksheet(name.strip() + suffix)
        self._sheet.freeze_panes(1, 0)
        for place, title in enumerate(self._table.header()):
            self._sheet.set_column(place, place, max(12, len(title) + 2))
            self._sheet.write_string(0, place, title, self._bold)
        self._next = 1
        self._cells: list[Cell] = [
            getattr(self, f"_{one.kind.value}") for one in self._table.columns
        ]

    def add(self, rows: Sequence[Row]) -> Iterator[bytes]:
        """Yields nothing: all bytes come at the end."""
        for row in rows:
            if self._next == self._sheet_rows:
                self._new_sheet()
            place = 0
            for column, cell, value in zip(self._table.columns, self._cells, row, strict=True):
                if value is not None:
                    cell(self._next, place, value)
                if column.currency_name:
                    place += 1
                    if value is not None:
                        self._text(self._next, place, value.currency)
                place += 1
            self._next += 1
        yield from ()

    def end(self) -> Iterator[bytes]:
        self._book.close()
        with self._path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def close(self) -> None:
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()  # xlsxwriter leaves it open unless the workbook was finished
        self._folder.cleanup()

    def _text(self, row: int, place: int, value: str) -> None:
        kept = value if len(value) <= MAX_TEXT else value[: MAX_TEXT - len(CUT)] + CUT
        self._sheet.write_string(row, place, kept)

    def _integer(self, row: int, place: int, value: int) -> None:
        self._number(row, place, Decimal(value))

    def _decimal(self, row: int, place: int, value: Decimal) -> None:
        self._number(row, place, value)

    def _money(self, row: int, place: int, value: Any) -> None:
        places = places_of(value.currency)
        if places not in self._amounts:
            zeros = f".{'0' * places}" if places else ""
            self._amounts[places] = self._book.add_format({"num_format": f"#,##0{zeros}"})
        self._number(row, place, major(value), self._amounts[places])

    def _number(self, row: int, place: int, value: Decimal, shown: Any = None) -> None:
        if len(value.as_tuple().digits) > SAFE_DIGITS:
            self._sheet.write_string(row, place, f"{value:f}")
        else:
            self._sheet.write_number(row, place, value, shown)

    def _flag(self, row: int, place: int, value: bool) -> None:  # noqa: FBT001 - the cell's value
        self._sheet.write_boolean(row, place, value)

    def _date(self, row: int, place: int, value: date) -> None:
        if value < _FIRST_DAY:
            self._sheet.write_string(row, place, value.isoformat())
        else:
            self._sheet.write_datetime(row, place, value, self._day)

    def _time(self, row: int, place: int, value: datetime) -> None:
        at = value.astimezone(UTC).replace(tzinfo=None)
        if at.date() < _FIRST_DAY:
            self._sheet.write_string(row, place, f"{at.isoformat()}Z")
        else:
            self._sheet.write_datetime(row, place, at, self._moment)
