"""Writes tables as files while their rows arrive: memory does not grow with their number.

CSV and Parquet are sent as they are written; XLSX is kept on disk until its last row.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from threading import Lock
from typing import Final, Protocol, TypeVar

from libs.tables.csv_text import CsvWriter
from libs.tables.model import Batches, Format, Row, Table
from libs.tables.parquet import ParquetWriter
from libs.tables.workbooks import XlsxWriter
from libs.threads import Threads

_THREADS: Final = Threads()

T = TypeVar("T")


class Writer(Protocol):
    """Runs in a thread. `add` and `end` yield what is ready to be sent."""

    def add(self, rows: Sequence[Row]) -> Iterator[bytes]: ...

    def end(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


_WRITERS: Final[dict[Format, Callable[[Table], Writer]]] = {
    Format.CSV: CsvWriter,
    Format.XLSX: XlsxWriter,
    Format.PARQUET: ParquetWriter,
}


async def write(table: Table, form: Format, batches: Batches) -> AsyncIterator[bytes]:
    """The file in pieces, as fast as they are read. What `batches` raises is raised, and cuts it off."""
    file = _File(await _THREADS.run(_WRITERS[form], table))
    try:
        async for rows in batches:
            for piece in await _THREADS.run(file.add, rows):
                yield piece
        end = file.end()
        while (last := await _THREADS.run(file.next, end)) is not None:
            yield last
    finally:
        await _THREADS.run(file.close)


class _File:
    """One thread at a time: a cancelled step runs to its end before `close`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lock = Lock()

    def add(self, rows: Sequence[Row]) -> list[bytes]:
        with self._lock:
            return list(self._writer.add(rows))

    def end(self) -> Iterator[bytes]:
        return self._writer.end()

    def next(self, pieces: Iterator[bytes]) -> bytes | None:
        with self._lock:
            return next(pieces, None)

    def close(self) -> None:
        with self._lock:
            self._writer.close()
