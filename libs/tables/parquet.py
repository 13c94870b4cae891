"""Tables as Parquet: int64, decimal128(23, 4) for amounts in major units (every amount of 64 bits in
every currency), date32, timestamp in microseconds UTC, bool, UTF-8 text. Row groups of bounded size.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from libs.tables.model import DECIMAL_PLACES, Kind, Row, Table, major

GROUP_ROWS: Final = 100_000
GROUP_BYTES: Final = 4 * 2**20  # in memory; several files are written at once
MONEY_DIGITS: Final = 23
MONEY_PLACES: Final = 4  # the most that any currency has


class ParquetWriter:
    def __init__(self, table: Table, *, group_rows: int = GROUP_ROWS) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._pa = pa
        self._table = table
        self._group_rows = group_rows
        self._schema: Any = pa.schema(list(self._fields()))
        self._sink = _Sink()
        self._writer: Any = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._held: list[Any] = []  # the next row group, in Arrow's own memory
        self._rows = self._bytes = 0

    def _fields(self) -> Iterator[Any]:
        for column in self._table.columns:
            yield self._pa.field(column.name, self._type(column.kind))
            if column.currency_name:
                yield self._pa.field(column.currency_name, self._pa.string())

    def _type(self, kind: Kind) -> Any:
        pa = self._pa
        return {
            Kind.TEXT: pa.string(),
            Kind.INTEGER: pa.int64(),
            Kind.MONEY: pa.decimal128(MONEY_DIGITS, MONEY_PLACES),
            Kind.DATE: pa.date32(),
            Kind.TIME: pa.timestamp("us", tz="UTC"),
            Kind.FLAG: pa.bool_(),
            Kind.DECIMAL: pa.decimal128(38, DECIMAL_PLACES),
        }[kind]

    def add(self, rows: Sequence[Row]) -> Iterator[bytes]:
        if rows:
            columns = list(self._columns(rows))
            batch = self._pa.record_batch(columns, schema=self._schema)
            self._held.append(batch)
            self._rows += batch.num_rows
            self._bytes += batch.nbytes
        if self._rows >= self._group_rows or self._bytes >= GROUP_BYTES:
            self._write_group()
        yield from self._sink.taken()

    def _columns(self, rows: Sequence[Row]) -> Iterator[Any]:
        values = zip(*rows, strict=True)
        for column, column_values in zip(self._table.columns, values, strict=True):
            plain = _PLAIN.get(column.kind)
            found = [
                plain(value) if plain and value is not None else value for value in column_values
            ]
            yield self._pa.array(found, type=self._type(column.kind))
            if column.currency_name:
                currencies = [value and value.currency for value in column_values]
                yield self._pa.array(currencies, type=self._pa.string())

    def _write_group(self) -> None:
        table = self._pa.Table.from_batches(self._held, schema=self._schema)
        self._writer.write_table(table, row_group_size=max(1, self._rows))
        self._held, self._rows, self._bytes = [], 0, 0

    def end(self) -> Iterator[bytes]:
        if self._held:
            self._write_group()
        self._writer.close()
        yield from self._sink.taken()

    def close(self) -> None:
        self._held = []
        self._writer.close()


class _Sink(io.RawIOBase):
    """Collects what the writer writes until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def taken(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        if data := b"".join(pieces):
            yield data


_PLAIN: Final[dict[Kind, Callable[[Any], Any]]] = {Kind.MONEY: major}
