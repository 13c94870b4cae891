"""Writes tables as couriers do, in three dialects. Pure. Couriers do not publish their layouts:
these are made up.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Final

import openpyxl

Cell = str | int | date | time  # an int is an amount in cents
CUSTOMER: Final = "Cliente: Bottega Demo s.r.l., Forlì"
HEADER_ROW: Final = 4  # of the dialect with lines above the header
_EPOCH: Final = date(1899, 12, 30)
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Table:
    """`has_total`: dialects that write totals add up its amounts."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    has_total: bool = True


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, and its media type."""

    write: Callable[[Table], bytes]
    media_type: str
    suffix: str


def windows(table: Table) -> bytes:
    """cp1252, semicolons, decimal commas."""
    rows = [";".join(table.header), *(_row(row, thousands="") for row in table.rows)]
    return ("\r\n".join(rows) + "\r\n").encode("cp1252", errors="replace")


def spreadsheet(table: Table) -> bytes:
    """UTF-8 with a BOM, the header in line 4, points between thousands, the total below."""
    rows = [table.title, CUSTOMER, "", ";".join(table.header)]
    rows += [_row(row, thousands=".") for row in table.rows]
    if table.has_total and table.rows:
        rows.append(_row(_total(table.rows), thousands="."))
    return "\r\n".join(rows).encode("utf-8-sig")


def workbook(table: Table) -> bytes:
    """XLSX: amounts as numbers, days and times as spreadsheet serial numbers."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(table.title)
    sheet.append(table.header)
    for row in table.rows:
        sheet.append([_number(cell) for cell in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


DIALECTS: Final = {
    "windows": Dialect(windows, "text/csv", "csv"),
    "spreadsheet": Dialect(spreadsheet, "text/csv", "csv"),
    "workbook": Dialect(
        workbook, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"
    ),
}


def _row(row: Sequence[Cell], *, thousands: str) -> str:
    """No number or reference accepted by the sandbox needs quotation marks."""
    return ";".join(_text(cell, thousands) for cell in row)


def _text(cell: Cell, thousands: str) -> str:
    if isinstance(cell, int):
        whole, cents = divmod(cell, 100)
        return f"{whole:,}".replace(",", thousands) + f",{cents:02d}"
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    return f"{cell:%H:%M:%S}" if isinstance(cell, time) else cell


def _number(cell: Cell) -> str | int | float:
    if isinstance(cell, int):
        return cell / 100
    if isinstance(cell, date):
        return (cell - _EPOCH).days
    if isinstance(cell, time):
        return (cell.hour * 3600 + cell.minute * 60 + cell.second) / _DAY_SECONDS
    return cell


def _total(rows: Sequence[tuple[Cell, ...]]) -> list[Cell]:
    """`TOTALE` and the sums of all amount columns."""
    first, *_ = rows
    sums: list[Cell] = [
        sum(cell for row in rows if isinstance(cell := row[at], int))
        if isinstance(first[at], int)
        else ""
        for at in range(len(first))
    ]
    return ["TOTALE", *sums[1:]]
