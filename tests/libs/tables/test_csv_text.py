import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.money import Money
from libs.tables.csv_text import DANGEROUS, safe
from libs.tables.model import Column, Format, Kind, Table
from tests.libs.tables.tables import EMPTY, PAYMENTS, of_texts, payment, written


def test_csv_has_a_header_and_machine_readable_values():
    data = written(PAYMENTS, Format.CSV, [payment(0)], [EMPTY])
    assert data.decode() == (
        "id,count,amount,amount_currency,fee,booked_on,created_at,live,rate\r\n"
        "pay_0,0,59.90,EUR,-0.29,2026-11-26,2026-11-26T10:30:15.250000Z,true,22.5\r\n"
        ",,,,,,,,\r\n"
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(500, "JPY"), "500"),
        (Money(1250, "KWD"), "1.250"),
        (Money(-5, "EUR"), "-0.05"),
        (Money(0, "EUR"), "0.00"),
        (Money(2**63 - 1, "EUR"), "92233720368547758.07"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(amount: Money, text: str):
    table = Table("amounts", (Column("amount", Kind.MONEY),))
    lines = written(table, Format.CSV, [(amount,)]).decode().splitlines()
    assert lines[1] == f"{text},{amount.currency}"


def test_an_empty_table_is_just_its_header():
    table = Table("nothing", (Column("a"), Column("b", Kind.DATE)))
    assert written(table, Format.CSV) == b"a,b\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+39333",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        "  =1",
        "\u200b=1",
        "\ufeff=1",
        "\u00a0=1",
        "'=1",
    ],
)
def test_no_cell_starts_a_formula(text: str):
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", 'Ünïcode, "quoted"', "a=b", "1-2", "'tis", "a\r\nb"])
def test_other_texts_are_unchanged(text: str):
    assert safe(text) == text


def test_column_names_are_escaped_too():
    table = Table("odd", (Column("=cmd"),))
    assert written(table, Format.CSV) == b"'=cmd\r\n"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=20))
def test_every_text_comes_back(texts: list[str]):
    rows = list(csv.reader(io.StringIO(of_texts(texts, Format.CSV).decode(), newline="")))[1:]
    assert [row[0] if row else "" for row in rows] == [safe(text) for text in texts]
    undone = [
        cell[1:] if cell.startswith("'") and DANGEROUS.match(cell) else cell
        for cell in map(safe, texts)
    ]
    assert undone == texts
    assert not any(re.match(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]", safe(text)) for text in texts)


def test_pandas_reads_numbers_days_and_flags():
    import pandas as pd

    data = written(PAYMENTS, Format.CSV, [payment(n) for n in range(3)])
    frame = pd.read_csv(io.BytesIO(data), parse_dates=["booked_on", "created_at"])
    assert list(frame["count"]) == [0, 1, 2]
    assert frame["amount"].sum() == pytest.approx(179.73)
    assert str(frame["created_at"].dtype).endswith("UTC]")
    assert list(frame["live"]) == [True, False, True]
