import io
from datetime import UTC, date, datetime

import openpyxl
import pytest

from libs.money import Money
from libs.tables.model import Column, Format, Kind, Table
from libs.tables.workbooks import CUT, MAX_TEXT, XlsxWriter
from tests.libs.tables.tables import AT, EMPTY, PAYMENTS, of_texts, payment, written


def sheet_of(data: bytes):
    return openpyxl.load_workbook(io.BytesIO(data)).active


def cell_of(kind: Kind, value: object):
    return sheet_of(written(Table("one", (Column("a", kind),)), Format.XLSX, [(value,)]))["A2"]


def test_numbers_dates_and_times_have_their_own_cell_types():
    sheet = sheet_of(written(PAYMENTS, Format.XLSX, [payment(0), EMPTY], [payment(0)]))
    header, row, empty, _ = sheet.iter_rows(values_only=True)
    assert header[:5] == ("id", "count", "amount", "amount_currency", "fee")
    day = datetime(2026, 11, 26)  # noqa: DTZ001 - spreadsheets have no time zones
    assert row == ("pay_0", 0, 59.9, "EUR", -0.29, day, AT.replace(tzinfo=None), True, 22.5)
    assert set(empty) == {None}
    assert sheet.title == "payments"


@pytest.mark.parametrize(
    ("amount", "value", "shown"),
    [
        (Money(5990, "EUR"), 59.9, "#,##0.00"),
        (Money(500, "JPY"), 500, "#,##0"),
        (Money(1250, "KWD"), 1.25, "#,##0.000"),
        (Money(999_999_999_999_999, "EUR"), 9_999_999_999_999.99, "#,##0.00"),
        (Money(1_000_000_000_000_000, "EUR"), "10000000000000.00", "General"),
        (Money(-(2**63), "EUR"), "-92233720368547758.08", "General"),
    ],
)
def test_an_amount_is_a_number_or_a_text_if_a_double_would_round_it(amount, value, shown):
    cell = cell_of(Kind.MONEY, amount)
    assert (cell.value, cell.number_format) == (value, shown)


def test_a_long_whole_number_loses_no_digit():
    assert cell_of(Kind.INTEGER, 2**53).value == str(2**53)


def test_dates_and_times_before_the_spreadsheet_epoch_are_texts():
    assert cell_of(Kind.DATE, date(1899, 12, 31)).value == "1899-12-31"
    assert cell_of(Kind.TIME, datetime(1, 1, 1, tzinfo=UTC)).value == "0001-01-01T00:00:00Z"


def test_no_text_becomes_a_formula_a_link_or_a_number():
    texts = ["=1+1", "{=1}", "https://shop.example", "mailto:a@b.example", "0123", "+39", " x "]
    cells = [cell for (cell,) in sheet_of(of_texts(texts, Format.XLSX)).iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == texts
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)


def test_a_text_too_long_for_a_cell_is_truncated_with_a_notice():
    value = cell_of(Kind.TEXT, "x" * (MAX_TEXT + 1)).value
    assert len(value) == MAX_TEXT
    assert value.endswith(CUT)


def test_a_table_longer_than_a_sheet_continues_on_the_next():
    writer = XlsxWriter(
        Table("a/b: [long] name of a table that has many", (Column("n"),)), sheet_rows=3
    )
    list(writer.add([(str(n),) for n in range(5)]))
    book = openpyxl.load_workbook(io.BytesIO(b"".join(writer.end())))
    writer.close()
    rows = [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]
    assert rows == [["n", "0", "1"], ["n", "2", "3"], ["n", "4"]]
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_an_unfinished_workbook_leaves_nothing_on_disk():
    writer = XlsxWriter(PAYMENTS)
    list(writer.add([payment(1)]))
    folder = writer._path.parent
    assert list(folder.iterdir())
    writer.close()
    assert not folder.exists()


def test_pandas_reads_the_types():
    import pandas as pd

    data = written(PAYMENTS, Format.XLSX, [payment(n) for n in range(3)])
    frame = pd.read_excel(io.BytesIO(data))
    assert frame["amount"].dtype.kind == "f"
    assert frame["count"].dtype.kind == "i"
    assert frame["created_at"].dtype.kind == frame["booked_on"].dtype.kind == "M"
    assert frame["live"].dtype.kind == "b"
