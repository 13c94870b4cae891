"""Tables as CSV: RFC 4180, UTF-8, a header line. Pure.

No cell starts a formula in a spreadsheet: a text that would gets an apostrophe in front. To undo
this, remove one apostrophe from texts that DANGEROUS matches.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from libs.tables.model import Kind, Row, Table, major

# Including full-width forms, and after what spreadsheets skip: blanks and invisible marks.
DANGEROUS: Final = re.compile(
    r"\A'*[\s\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]"
)


class CsvWriter:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._cells = [_CELLS[column.kind] for column in table.columns]
        self._begun = False

    def add(self, rows: Sequence[Row]) -> Iterator[bytes]:
        text = io.StringIO(newline="")
        lines = csv.writer(text)
        if not self._begun:
            self._begun = True
            lines.writerow(map(safe, self._table.header()))
        lines.writerows(map(self._line, rows))
        yield text.getvalue().encode()

    def _line(self, row: Row) -> list[str]:
        line: list[str] = []
        for column, cell, value in zip(self._table.columns, self._cells, row, strict=True):
            line.append("" if value is None else cell(value))
            if column.currency_name:
                line.append("" if value is None else value.currency)
        return line

    def end(self) -> Iterator[bytes]:
        """Yields the header if there were no rows."""
        if not self._begun:
            yield from self.add(())

    def close(self) -> None:
        """There is nothing to release."""


def safe(text: str) -> str:
    """The text, or the text after an apostrophe if a spreadsheet would take it for a formula."""
    return f"'{text}" if DANGEROUS.match(text) else text


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_CELLS: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.TEXT: safe,
    Kind.INTEGER: str,
    Kind.MONEY: lambda amount: f"{major(amount):f}",
    Kind.DATE: lambda day: str(day.isoformat()),
    Kind.TIME: _time,
    Kind.FLAG: lambda flag: "true" if flag else "false",
    Kind.DECIMAL: lambda number: f"{number:f}",
}
