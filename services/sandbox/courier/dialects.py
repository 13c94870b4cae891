"""Remittance files as couriers write them. Pure. No courier publishes its layout: these are made up."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import openpyxl

from services.sandbox.courier.remitting import Line

HEADER: Final = (
    "Spedizione", "Rif. mittente", "Data", "Esito", "Contrassegno", "Commissione", "Netto",
)  # fmt: skip  # a table
ABOVE: Final = ("Distinta rimesse contrassegno", "Cliente: Bottega Demo s.r.l., Forlì", "")
_EPOCH: Final = date(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, and as what it is sent."""

    write: Callable[[Sequence[Line], date], bytes]
    media_type: str
    suffix: str


def windows(lines: Sequence[Line], on: date) -> bytes:
    """cp1252, semicolons, decimal commas."""
    rows = [";".join(HEADER), *(_row(line, f"{on:%d/%m/%Y}", thousands="") for line in lines)]
    return ("\r\n".join(rows) + "\r\n").encode("cp1252", errors="replace")


def spreadsheet(lines: Sequence[Line], on: date) -> bytes:
    """UTF-8 with a BOM, the header in line 4, points between thousands, the total below."""
    rows = [*ABOVE, ";".join(HEADER)]
    rows += [_row(line, f"{on:%d/%m/%Y}", thousands=".") for line in lines]
    sums = (
        sum(line.collected_minor for line in lines),
        sum(line.cut_minor for line in lines),
        sum(line.remitted_minor for line in lines),
    )
    rows.append(";".join(("TOTALE", "", "", "", *(_amount(each, ".") for each in sums))))
    return "\r\n".join(rows).encode("utf-8-sig")


def workbook(lines: Sequence[Line], on: date) -> bytes:
    """XLSX: amounts as numbers, days as the numbers that spreadsheets count them by."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Rimesse")
    sheet.append(HEADER)
    for line in lines:
        amounts = (line.collected_minor, line.cut_minor, line.remitted_minor)
        sheet.append((
            line.tracking_number, line.reference, (on - _EPOCH).days, line.outcome,
            *(minor / 100 for minor in amounts),
        ))  # fmt: skip  # a row
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


def _row(line: Line, on: str, *, thousands: str) -> str:
    """No number or reference that the sandbox takes needs quotation marks."""
    amounts = (line.collected_minor, line.cut_minor, line.remitted_minor)
    return ";".join(
        (
            line.tracking_number,
            line.reference,
            on,
            line.outcome,
            *(_amount(minor, thousands) for minor in amounts),
        )
    )


def _amount(minor: int, thousands: str) -> str:
    whole, cents = divmod(minor, 100)
    return f"{whole:,}".replace(",", thousands) + f",{cents:02d}"
