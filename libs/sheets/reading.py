"""Rows of a table, from the bytes of a CSV or XLSX file, optionally compressed with gzip. Pure.

Columns are found by their names in the header. What cannot be read becomes a Fault with its line, so
that a person finds it; callers use nothing from a file that has one.
"""

import unicodedata
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.sheets import text_files, workbooks
from libs.sheets.cells import Cell
from libs.sheets.limits import Fault, Limits, UnreadableError
from libs.text import without_controls

_GZIP: Final = b"\x1f\x8b"
_GZIP_BITS: Final = 31  # zlib's name of the format
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"  # also a workbook with a password
LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Row:
    """`cells` by the requested names; a blank one is ""."""

    line: int
    cells: Mapping[str, Cell]


def read(
    data: bytes, columns: Collection[str], *, header_row: int = 1, limits: Limits = LIMITS
) -> Iterator[Row | Fault]:
    """Each non-blank row below the header. Raises UnreadableError, also during iteration."""
    wanted = {name: folded(name) for name in columns}

    def is_header(cells: Sequence[Cell]) -> bool:
        return {*wanted.values()} <= {folded(cell) for cell in cells}

    lines: Iterator[tuple[int, Sequence[Cell]]]
    match opened(data, limits):
        case bytes(book):
            lines = workbooks.lines(book, limits, header_row=header_row, is_header=is_header)
        case text:
            lines = text_files.lines(text, limits, header_row=header_row, is_header=is_header)
    places, width = _places(lines, wanted, header_row, limits)
    return _rows(lines, places, width, limits)


def opened(data: bytes, limits: Limits = LIMITS) -> bytes | str:
    """A workbook, or text. Raises UnreadableError for anything else, and for a file that is too
    large.
    """
    if data.startswith(_GZIP):
        data = _unpacked(data, limits)
    if len(data) > limits.file_bytes:
        raise UnreadableError(f"has more than {limits.file_bytes} bytes: split it")
    if data.startswith(_OLD_EXCEL):
        raise UnreadableError("is an old Excel file or has a password: save it as XLSX or CSV")
    return data if data.startswith(workbooks.MAGIC) else text_files.decoded(data)


def _unpacked(data: bytes, limits: Limits) -> bytes:
    """Decompresses no further than one byte beyond the limit."""
    stream = zlib.decompressobj(_GZIP_BITS)
    try:
        unpacked = stream.decompress(data, limits.file_bytes + 1)
    except zlib.error:
        raise UnreadableError("starts like a gzip file but is not one") from None
    if not stream.eof and len(unpacked) <= limits.file_bytes:
        raise UnreadableError("is a gzip file that ends too early")
    return unpacked


def folded(name: Cell) -> str:
    """For comparing column names: case-insensitive, ignoring spaces."""
    if not isinstance(name, str):
        return ""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _places(
    lines: Iterator[tuple[int, Sequence[Cell]]],
    wanted: Mapping[str, str],
    header_row: int,
    limits: Limits,
) -> tuple[dict[str, int], int]:
    """The position of each wanted column, and the number of columns in the header."""
    header = next((cells for line, cells in lines if line == header_row), ())
    names = [folded(cell) for cell in header]
    if len(names) > limits.columns and any(names[limits.columns :]):
        raise UnreadableError(f"has more than {limits.columns} columns", line=header_row)
    for column, name in wanted.items():
        if names.count(name) != 1:
            reason = (
                "is in the header more than once" if name in names else "is missing from the header"
            )
            raise UnreadableError(reason, line=header_row, column=column)
    return {column: names.index(name) for column, name in wanted.items()}, len(names)


def _rows(
    lines: Iterator[tuple[int, Sequence[Cell]]],
    places: Mapping[str, int],
    width: int,
    limits: Limits,
) -> Iterator[Row | Fault]:
    count = 0
    for line, cells in lines:
        if not any(map(_says_something, cells)):
            continue
        count += 1
        if count > limits.rows:
            raise UnreadableError(f"has more than {limits.rows} rows: split it", line=line)
        if any(map(_says_something, cells[width:])):
            yield Fault(line, "", "has more cells than the header has columns")
        else:
            yield Row(
                line,
                {name: _clean(cells[at]) if at < len(cells) else "" for name, at in places.items()},
            )


def _says_something(cell: Cell) -> bool:
    return not isinstance(cell, str) or not (cell == "" or cell.isspace())


def _clean(cell: Cell) -> Cell:
    return without_controls(cell).strip() if isinstance(cell, str) else cell
