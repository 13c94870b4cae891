"""CSV in the encodings and with the separators found in practice. Pure.

charset-normalizer finds the encoding. The separator is the one with which the header has the wanted
columns: decimal commas, and words above the header, mislead approaches that count characters, such
as csv.Sniffer.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Final

import charset_normalizer

from libs.sheets.limits import Limits, UnreadableError

ENCODINGS: Final = ["utf_8", "utf_16", "cp1252"]  # with their BOM, which is dropped
SEPARATORS: Final = ";,\t|"
# Form feeds and DOS's end-of-file marks do occur in texts.
_BINARY: Final = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f]")
_ANY_MESS: Final = 10.0  # columns of prices look like a mess to a detector made for prose

Header = Callable[[int, list[str]], bool]
Lines = Iterator[tuple[int, list[str]]]


def decoded(data: bytes) -> str:
    found = charset_normalizer.from_bytes(
        data, cp_isolation=ENCODINGS, threshold=_ANY_MESS, enable_fallback=False
    ).best()
    if found is None:
        raise UnreadableError("is neither UTF-8, UTF-16 nor Windows-1252: save it as UTF-8")
    text = str(found)
    if _BINARY.search(text):
        raise UnreadableError("is not text: save it as CSV in UTF-8, or as XLSX")
    return text


def lines(
    text: str, limits: Limits, *, header_row: int, is_header: Callable[[list[str]], bool]
) -> Lines:
    """(first line, cells) of each row. Uses the first separator if none fits, so that the
    header's reader reports what is missing.
    """
    fitting = (
        separator
        for separator in SEPARATORS
        if is_header(_line(text, separator, limits, number=header_row))
    )
    return _parted(text, next(fitting, SEPARATORS[0]), limits)


def _line(text: str, separator: str, limits: Limits, *, number: int) -> list[str]:
    """Empty if there is none, or if it cannot be read with this separator."""
    try:
        for line, cells in _parted(text, separator, limits):
            if line >= number:
                return cells if line == number else []
    except UnreadableError:
        pass
    return []


def _parted(text: str, separator: str, limits: Limits) -> Lines:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            if max(map(len, cells), default=0) > limits.characters:
                raise UnreadableError(
                    f"has a cell of more than {limits.characters} characters: a quotation mark may be unclosed",
                    line=line,
                )
            yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        raise UnreadableError(
            "has a quotation mark that is not closed or not doubled", line=line
        ) from None
