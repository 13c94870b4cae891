import io
from datetime import date
from decimal import Decimal

import pytest

from libs.money import Money
from libs.tables.model import Column, Format, Kind, Table
from libs.tables.parquet import ParquetWriter
from tests.libs.tables.tables import AT, EMPTY, PAYMENTS, payment, written


def table_of(data: bytes):
    from pyarrow import parquet

    return parquet.read_table(io.BytesIO(data))


def test_parquet_has_exact_types():
    table = table_of(written(PAYMENTS, Format.PARQUET, [payment(0)], [EMPTY]))
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "string",
        "count": "int64",
        "amount": "decimal128(23, 4)",
        "amount_currency": "string",
        "fee": "decimal128(23, 4)",
        "booked_on": "date32[day]",
        "created_at": "timestamp[us, tz=UTC]",
        "live": "bool",
        "rate": "decimal128(38, 9)",
    }
    row, empty = table.to_pylist()
    assert row == {
        "id": "pay_0",
        "count": 0,
        "amount": Decimal("59.90"),
        "amount_currency": "EUR",
        "fee": Decimal("-0.29"),
        "booked_on": date(2026, 11, 26),
        "created_at": AT,
        "live": True,
        "rate": Decimal("22.5"),
    }
    assert set(empty.values()) == {None}


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD", "CLF"])
@pytest.mark.parametrize("minor", [2**63 - 1, -(2**63), 1])
def test_every_64_bit_amount_is_exact(currency: str, minor: int):
    data = written(
        Table("amounts", (Column("a", Kind.MONEY),)), Format.PARQUET, [(Money(minor, currency),)]
    )
    value = table_of(data).to_pylist()[0]["a"]
    assert value == Decimal(minor).scaleb({"JPY": 0, "EUR": -2, "KWD": -3, "CLF": -4}[currency])


def test_a_decimal_that_does_not_fit_is_refused_not_rounded():
    import pyarrow as pa

    table = Table("rates", (Column("rate", Kind.DECIMAL),))
    with pytest.raises(pa.ArrowInvalid):
        written(table, Format.PARQUET, [(Decimal("0.0000000001"),)])


def test_row_groups_are_bounded_and_sent_as_they_fill():
    from pyarrow import parquet

    writer = ParquetWriter(PAYMENTS, group_rows=10)
    early = [piece for part in range(10) for piece in writer.add([payment(n) for n in range(4)])]
    data = b"".join([*early, *writer.end()])
    assert len(early) > 2
    groups = parquet.ParquetFile(io.BytesIO(data)).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [12, 12, 12, 4]


def test_a_table_without_rows_has_its_columns():
    table = table_of(written(PAYMENTS, Format.PARQUET))
    assert (table.num_rows, table.num_columns) == (0, 9)


def test_pandas_reads_the_types():
    import pandas as pd

    data = written(PAYMENTS, Format.PARQUET, [payment(n) for n in range(3)])
    frame = pd.read_parquet(io.BytesIO(data))
    assert frame["amount"].sum() == Decimal("179.73")
    assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"
