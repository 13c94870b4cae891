"""Couriers' remittance files: synthetic ones in the usual dialects, and broken ones."""

import io
from datetime import date
from typing import Final

import openpyxl
import pytest

from libs.sheets.cells import AmountStyle, DayOrder
from libs.sheets.limits import Fault
from services.cod.rules.columns import Meaning, RemittanceColumns, Word
from services.cod.rules.courier_files import MOST_FAULTS
from services.cod.rules.remittance_files import RemittanceLine, read

COLUMNS: Final = RemittanceColumns(
    tracking_number="Spedizione",
    sender_reference="Rif. mittente",
    collected="Contrassegno",
    cut="Commissione",
    remitted="Netto",
    on="Data",
    state="Esito",
    words=(
        Word("consegnato", Meaning.COLLECTED),
        Word("RIFIUTATO", Meaning.REFUSED),
        Word("Reso", Meaning.RETURNED),
    ),
)
HEADER: Final = "Spedizione;Rif. mittente;Data;Esito;Contrassegno;Commissione;Netto\n"
LINES: Final = (
    "AB1;O-1;26/11/2026;CONSEGNATO;1.234,50;37,04;1.197,46\n"
    "AB2;O-2;26/11/2026;Consegnato;25,00;3,00;22,00\n"
    "AB3;O-3;;Reso;;;\n"
)


def line(number, tracking, reference, collected, cut, remitted, **more) -> RemittanceLine:
    return RemittanceLine(
        line=number,
        tracking_number=tracking,
        sender_reference=reference,
        collected_minor=collected,
        cut_minor=cut,
        remitted_minor=remitted,
        on=more.get("on"),
        meaning=more.get("meaning"),
    )


DAY: Final = {"on": date(2026, 11, 26), "meaning": Meaning.COLLECTED}
READ: Final = (
    line(2, "AB1", "O-1", 1234_50, 37_04, 1197_46, **DAY),
    line(3, "AB2", "O-2", 25_00, 3_00, 22_00, **DAY),
    line(4, "AB3", "O-3", 0, 0, 0, meaning=Meaning.RETURNED),
)


def faults(text: str, columns: RemittanceColumns = COLUMNS) -> tuple[Fault, ...]:
    reading = read(text.encode(), columns, "EUR")
    assert reading.lines == ()
    return reading.faults


def test_windows_text_with_semicolons_and_decimal_commas_is_read():
    assert read((HEADER + LINES).encode("cp1252"), COLUMNS, "EUR").lines == READ


def test_utf8_with_a_bom_and_its_header_in_line_four_is_read():
    above = "Distinta rimesse contrassegno\nCliente: Bottega s.r.l., Forlì\n\n"
    columns = RemittanceColumns(
        **{name: getattr(COLUMNS, name) for name in COLUMNS.__slots__} | {"header_row": 4}
    )
    found = read((above + HEADER + LINES).encode("utf-8-sig"), columns, "EUR").lines
    assert [one.line for one in found] == [5, 6, 7]
    assert [one.remitted_minor for one in found] == [1197_46, 22_00, 0]


def test_a_workbook_with_dates_as_numbers_is_read():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADER.strip().split(";"))
    sheet.append(["AB1", "O-1", 46352, "Consegnato", 1234.5, 37.04, 1197.46])
    sheet.append([12345678901, 77, date(2026, 11, 26), "Consegnato", 0.1 + 0.2, 0, 0.3])
    buffer = io.BytesIO()
    book.save(buffer)
    assert read(buffer.getvalue(), COLUMNS, "EUR").lines == (
        READ[0],
        line(3, "12345678901", "77", 30, 0, 30, **DAY),
    )


def test_equal_lines_are_read_separately():
    twice = HEADER + LINES.splitlines(keepends=True)[1] * 2
    found = read(twice.encode(), COLUMNS, "EUR").lines
    assert [(one.line, one.remitted_minor) for one in found] == [(2, 22_00), (3, 22_00)]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("Spedizione;Netto", "AB1;22,00", (None, None, 22_00)),
        ("Spedizione;Contrassegno", "AB1;25,00", (25_00, None, 25_00)),
        ("Spedizione;Contrassegno;Commissione", "AB1;25,00;3,00", (25_00, 3_00, 22_00)),
        ("Spedizione;Contrassegno;Commissione", "AB1;25,00;-3,00", (25_00, 3_00, 22_00)),
        ("Spedizione;Contrassegno;Netto", "AB1;25,00;22,00", (25_00, 3_00, 22_00)),
        ("Spedizione;Netto;Commissione", "AB1;22,00;3,00", (None, 3_00, 22_00)),
    ],
)
def test_missing_amounts_are_derived_from_the_others(header, row, expected):
    have = header.split(";")
    names = {"collected": "Contrassegno", "cut": "Commissione", "remitted": "Netto"}
    mapped = {name: column for name, column in names.items() if column in have}
    columns = RemittanceColumns(tracking_number="Spedizione", **mapped)
    (found,) = read(f"{header}\n{row}\n".encode(), columns, "EUR").lines
    assert (found.collected_minor, found.cut_minor, found.remitted_minor) == expected


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (";;26/11/2026;Reso;1;0;1", "", "neither a tracking number nor a reference"),
        ("AB1;;26/11/2026;Perso;1;0;1", "Esito", "not one of the courier's known words"),
        ("AB1;;2026-11-26;Reso;1;0;1", "Data", "not a date like 31/01/2027"),
        ("AB1;;26/11/2026;Consegnato;25.00;3,00;22,00", "Contrassegno", "not an amount like"),
        ("AB1;;26/11/2026;Consegnato;25,00;3,00;", "Netto", "is empty"),
        ("AB1;;26/11/2026;Consegnato;25,000;3,00;1", "Contrassegno", "more than 2 decimals"),
        ("1,2E+11;;26/11/2026;Consegnato;25,00;3,00;1", "Spedizione", "shortened"),
        (f"{'x' * 101};;26/11/2026;Consegnato;1;0;1", "Spedizione", "more than 100 characters"),
        ("AB1;;26/11/2026;Consegnato;25;00;3;00;22;00", "", "more cells than the header"),
    ],
)
def test_a_malformed_row_is_refused_by_line_and_column_and_nothing_is_read(row, column, reason):
    (fault,) = faults(HEADER + LINES + row + "\n")
    assert (fault.line, fault.column) == (5, column)
    assert reason in fault.reason


def test_up_to_a_hundred_malformed_rows_are_reported():
    broken = "AB1;;x;Consegnato;25,00;3,00;22,00\n"
    assert [fault.line for fault in faults(HEADER + LINES + broken * 3)] == [5, 6, 7]
    assert len(faults(HEADER + broken * 300)) == MOST_FAULTS


def test_a_total_row_must_be_the_sum_and_the_last_line():
    total = "TOTALE;;;;1.259,50;40,04;1.219,46\n"
    assert read((HEADER + LINES + total).encode(), COLUMNS, "EUR").lines == READ
    (fault,) = faults(HEADER + LINES + total.replace("1.219,46", "1.219,45"))
    assert fault == Fault(5, "Netto", "is not the sum of the lines above")
    (fault,) = faults(HEADER + LINES + total + LINES.splitlines()[0])
    assert fault == Fault(6, "", "is below the total in line 5")


def test_a_file_without_a_configured_column_is_refused():
    (fault,) = faults(HEADER.replace("Netto", "Totale") + LINES)
    assert fault == Fault(1, "Netto", "is missing from the header")


def test_other_amount_and_date_styles_are_read():
    columns = RemittanceColumns(
        tracking_number="Tracking",
        remitted="Paid",
        on="Date",
        amounts=AmountStyle.POINT,
        days=DayOrder.MDY,
    )
    (found,) = read(b'Tracking,Paid,Date\nAB1,"1,234.50",11/26/2026\n', columns, "EUR").lines
    assert (found.remitted_minor, found.on) == (1234_50, date(2026, 11, 26))
