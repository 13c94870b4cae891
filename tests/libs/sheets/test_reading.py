"""Tables as couriers and banks write them: encodings, separators, headers, workbooks."""

import gzip
import io
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.sheets import reading, unpacking
from libs.sheets.limits import Fault, Limits, UnreadableError
from libs.sheets.reading import Row, read

COLUMNS = ("Spedizione", "Contrassegno", "Località")
TABLE = 'Spedizione;Data;Contrassegno;Località\r\nAB1;26/11/2026;"1.234,50";Forlì\r\nAB2;;25,00;Cefalù\r\n'
ROWS = [
    Row(2, {"Spedizione": "AB1", "Contrassegno": "1.234,50", "Località": "Forlì"}),
    Row(3, {"Spedizione": "AB2", "Contrassegno": "25,00", "Località": "Cefalù"}),
]


def rows(data: bytes, columns=COLUMNS, **options):
    return list(read(data, columns, **options))


def fault_of(data: bytes, columns=COLUMNS, **options) -> Fault:
    with pytest.raises(UnreadableError) as caught:
        rows(data, columns, **options)
    return caught.value.fault


def read_or_refused(data: bytes) -> list[Row | Fault]:
    """Reads the file or catches its refusal: no bytes may cause any other error."""
    try:
        return rows(data)
    except UnreadableError:
        return []


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_in_each_supported_encoding(encoding: str):
    assert rows(TABLE.encode(encoding)) == ROWS


def test_cp1252_is_recognised_by_a_late_letter_and_euro_signs():
    lines = "".join(f"AB{number};x;€ 1,00;Roma\n" for number in range(5000))
    data = f"Spedizione;Data;Contrassegno;Località\n{lines}AB;x;€ 1,00;Forlì\n".encode("cp1252")
    assert rows(data)[-1].cells == {
        "Spedizione": "AB",
        "Contrassegno": "€ 1,00",
        "Località": "Forlì",
    }


def test_a_gzipped_table_is_read_and_a_broken_one_is_refused():
    packed = gzip.compress(TABLE.encode())
    assert rows(packed) == ROWS
    assert "ends too early" in fault_of(packed[:-9]).reason
    assert "not one" in fault_of(packed[:4] + b"x" * 40).reason
    bomb = gzip.compress(b" " * (reading.LIMITS.file_bytes + 1))
    assert "more than" in fault_of(bomb).reason


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_are_not_taken_for_separators(separator: str):
    text = "Spedizione;Netto\nA;25,50\nB;12,30\n".replace(";", separator)
    assert [row.cells["Netto"] for row in rows(text.encode(), ("Spedizione", "Netto"))] == [
        "25,50",
        "12,30",
    ]


def test_commas_separate_columns_when_the_header_uses_them():
    data = b'Spedizione,Netto\nA,"25,50"\nB,12.30\n'
    found = rows(data, ("Spedizione", "Netto"))
    assert [row.cells["Netto"] for row in found] == ["25,50", "12.30"]


def test_the_header_may_be_on_line_four():
    data = f"Distinta rimesse\nCliente: Bottega, s.r.l.; Roma\n\n{TABLE}".encode()
    assert [row.line for row in rows(data, header_row=4)] == [5, 6]


def test_headers_match_regardless_of_case_and_blanks():
    data = b"\xef\xbb\xbf SPEDIZIONE ;importo\xc2\xa0  contrassegno\nA;1\n"
    (row,) = rows(data, ("Spedizione", "Importo contrassegno"))
    assert row.cells == {"Spedizione": "A", "Importo contrassegno": "1"}


def test_line_numbers_count_blank_rows_and_line_breaks_in_cells():
    data = 'Spedizione;Contrassegno;Località\n\nA;1;"Via\nRoma"\n;;\nB;2;x\n'.encode()
    assert [(row.line, row.cells["Località"]) for row in rows(data)] == [(3, "Via Roma"), (6, "x")]


def test_a_short_row_has_blank_cells_and_a_long_one_is_a_fault():
    data = "Spedizione;Contrassegno;Località\nA;1\nB;25;50;Roma\nC;1;Roma;;\n".encode()
    short, long, blank_beyond = rows(data)
    assert short.cells["Località"] == ""
    assert long == Fault(3, "", "has more cells than the header has columns")
    assert blank_beyond.cells["Spedizione"] == "C"


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("Spedizione;Contrassegno\nA;1\n", "Località", "is missing from the header"),
        ("Spedizione;Contrassegno;Località;SPEDIZIONE\n", "Spedizione", "is in the header more than once"),
        ("", "Spedizione", "is missing from the header"),
        ("\n\n\n", "Spedizione", "is missing from the header"),
    ],
)  # fmt: skip  # a table
def test_a_missing_or_repeated_column_is_refused_by_name(text, column, reason):
    assert fault_of(text.encode()) == Fault(1, column, reason)


def test_an_open_quotation_mark_is_refused_with_its_line():
    assert fault_of(f'{TABLE}AB3;"1,00;Roma\nAB4;;1,00;Roma\n'.encode()).line == 4


@pytest.mark.parametrize(
    "data",
    [
        b"Spedizione;Contrassegno;Localit\xc3\xa0\nA;1;Forl\xec\x81\n",
        b"\x00\x01\x02",
        bytes(range(256)),
        TABLE.encode("utf-16-le"),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100,
        b"PK\x03\x04" + b"x" * 100,
        b"%PDF-1.7\n1 0 obj\n",
    ],
)
def test_a_file_that_is_not_a_table_is_refused(data: bytes):
    assert fault_of(data).reason


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes):
    for start in (b"", b"PK\x03\x04", b"\xff\xfe", b"Spedizione;Contrassegno;Localit\xe0\n"):
        read_or_refused(start + data)


SMALL = Limits(file_bytes=2000, rows=3, columns=5, characters=20)


@pytest.mark.parametrize(
    "text",
    [
        TABLE + "x" * 2000,
        TABLE + "AB3;;1,00;x\n" * 2,
        TABLE + "AB3;;1,00;" + "x" * 21,
        "a;b;c;d;e;f;Spedizione;Contrassegno;Località\n",
    ],
)
def test_a_file_beyond_the_limits_is_refused(text: str):
    assert fault_of(text.encode(), limits=SMALL).reason


def workbook(*lines, title: str = "Rimesse", before: tuple = ()) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for line in (*before, *lines):
        sheet.append(line)
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_a_workbooks_numbers_have_no_float_noise_and_its_dates_are_read():
    book = workbook(
        ("Spedizione", "Data", "Contrassegno", "Località"),
        (12345678901, date(2026, 11, 26), 0.1 + 0.2, "Forlì"),
        ("AB2", 46352, 1234.5, None),
        (None, None, None, None),
        ("AB3", True, 7, "x"),
    )
    first, second, third = rows(saved(book), (*COLUMNS, "Data"))
    assert first.cells["Spedizione"] == Decimal(12345678901)
    assert first.cells["Data"].date() == date(2026, 11, 26)
    assert first.cells["Contrassegno"] == Decimal("0.3")
    assert second.cells == {
        "Spedizione": "AB2",
        "Data": Decimal(46352),
        "Contrassegno": Decimal("1234.5"),
        "Località": "",
    }
    assert (third.line, third.cells["Data"]) == (5, "True")


def test_the_sheet_with_the_header_is_read():
    book = workbook(("Riepilogo",), ("Totale", 12), title="Riepilogo")
    sheet = book.create_sheet("Dettaglio")
    for line in ((), ("x",), ("Spedizione", "Contrassegno", "Località"), ("A", 1, "Roma")):
        sheet.append(line)
    (row,) = rows(saved(book), header_row=3)
    assert (row.line, row.cells["Spedizione"]) == (4, "A")


def test_a_workbook_without_the_header_is_refused():
    assert fault_of(saved(workbook(("Totale", 12)))) == Fault(
        1, "Spedizione", "is missing from the header"
    )


def test_empty_rows_and_columns_before_distant_cells_are_skipped():
    book = workbook(("Spedizione", "Contrassegno", "Località"), ("A", 1, "Roma"))
    sheet = book.active
    sheet.cell(row=1_048_576, column=1, value="B")
    sheet.cell(row=2, column=16_384, value="far away")
    data = saved(book)
    first, last = rows(data)
    assert (first.line, last.line) == (2, 1_048_576)


def test_a_row_number_beyond_spreadsheet_limits_is_refused():
    endless = repacked(ONE, SHEET, lambda xml: xml.replace(b'<row r="2"', b'<row r="99999999999"'))
    assert "more lines than a spreadsheet" in fault_of(endless).reason


def repacked(data: bytes, name: str, change) -> bytes:
    """The workbook with one part changed."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.namelist():
            content = old.read(part)
            new.writestr(part, change(content) if part == name else content)
    return out.getvalue()


ONE = saved(workbook(("Spedizione", "Contrassegno", "Località"), ("A", 1, "Roma")))
NO_STYLES = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize("name", ["[Content_Types].xml", "xl/workbook.xml", SHEET, "xl/styles.xml"])
@pytest.mark.parametrize("change", [lambda xml: b"", lambda xml: xml[:-40], lambda xml: b"<x/>"])
def test_a_broken_workbook_is_refused_or_read(name: str, change):
    assert len(read_or_refused(repacked(ONE, name, change))) <= 1


def test_rows_beyond_the_declared_dimensions_are_read():
    book = workbook(("Spedizione", "Contrassegno", "Località"), *((n, n, "x") for n in range(9)))
    wrong = repacked(saved(book), SHEET, lambda xml: xml.replace(b'"A1:C10"', b'"A1:C2"'))
    assert wrong != saved(book)
    assert len(rows(wrong)) == 9


def test_a_workbook_without_styles_is_read():
    assert len(rows(repacked(ONE, "xl/styles.xml", lambda _: NO_STYLES))) == 1


def test_a_zip_bomb_workbook_is_refused():
    bomb = repacked(ONE, SHEET, lambda xml: xml + b" " * reading.LIMITS.unpacked_bytes)
    assert len(bomb) < 100_000
    assert "too large when unpacked" in fault_of(bomb).reason


def test_a_row_of_too_many_empty_cells_is_refused():
    row = b"<row>" + b"<c/>" * (unpacking.MOST_IN_ROW + 1) + b"</row></sheetData>"
    wide = repacked(ONE, SHEET, lambda xml: xml.replace(b"</sheetData>", row))
    assert "too large when unpacked" in fault_of(wide).reason


def test_an_entity_bomb_in_a_workbook_is_refused():
    laughs = b"".join(
        b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10 if level else b"ha" * 10)
        for level in range(9)
    )

    def change(xml: bytes) -> bytes:
        _, _, rest = xml.partition(b"<worksheet")
        body = rest.replace(b"Roma", b"&l8;")
        return b"<?xml version='1.0'?><!DOCTYPE worksheet [" + laughs + b"]><worksheet" + body

    inline = repacked(
        repacked(ONE, SHEET, lambda xml: xml.replace(b't="s"><v>0</v>', b't="str"><v>&l8;</v>')),
        SHEET,
        change,
    )
    assert fault_of(inline).reason


@pytest.mark.parametrize("cell", ["<v>1e999</v>", "<v>nan</v>", "<f>1/0</f><v></v>"])
def test_a_cell_that_is_not_a_finite_number_is_not_an_amount(cell: str):
    def change(xml: bytes) -> bytes:
        return xml.replace(b"<v>1</v>", cell.encode())

    found = read_or_refused(repacked(ONE, SHEET, change))
    assert not found or not isinstance(found[0].cells["Contrassegno"], Decimal)
