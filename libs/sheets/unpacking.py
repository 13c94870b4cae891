"""Decides whether a workbook may be read: its unpacked contents are counted before anything is
kept.

A few kilobytes can hold millions of empty cells in one row, texts that multiply themselves, or a
gigabyte of blanks. Pure.
"""

import io
import zipfile
import zlib
from typing import IO, Final, NoReturn
from xml.parsers import expat

from libs.sheets.limits import Limits, UnreadableError

MOST_PARTS: Final = 500
MOST_ELEMENTS: Final = 4_000_000  # of all parts: 60,000 rows of 20 columns with all their texts
MOST_IN_ROW: Final = 50_000  # elements: a spreadsheet has 16,384 columns
_CHUNK: Final = 2**16
_BROKEN_BY: Final = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,  # a password
)
BROKEN: Final = "is not a readable workbook: save it again as XLSX or CSV"
TOO_LARGE: Final = "is a workbook that is too large when unpacked: split it"


def check(data: bytes, limits: Limits) -> None:
    """Raises UnreadableError. Unpacking afterwards yields no more than was counted here."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_parts(archive, limits)
    except _BROKEN_BY:
        raise UnreadableError(BROKEN) from None


def _check_parts(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Checks the declared sizes, since zipfile unpacks no more of a part than that, then the elements."""
    parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > limits.unpacked_bytes:
        raise UnreadableError(TOO_LARGE)
    count = _Count()
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with archive.open(part) as stream:
                count.read(stream)


class _Count:
    """Counts the elements of all parts, and those since a row began."""

    def __init__(self) -> None:
        self.elements = 0
        self.in_row = 0

    def read(self, stream: IO[bytes]) -> None:
        self.in_row = 0
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._started
        parser.StartDoctypeDeclHandler = self._multiplying
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)

    def _started(self, name: str, _: object) -> None:
        self.elements += 1
        self.in_row = 0 if name.endswith((" row", " si")) else self.in_row + 1
        if self.in_row > MOST_IN_ROW or self.elements > MOST_ELEMENTS:
            raise UnreadableError(TOO_LARGE)

    def _multiplying(self, *_: object) -> NoReturn:
        """Refuses document types: entities could multiply texts, and no spreadsheet writes them."""
        raise UnreadableError(BROKEN)
