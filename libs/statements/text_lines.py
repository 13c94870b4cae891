"""Reads the lines of a large text file one by one. Pure.

UTF-8 or Windows-1252, or UTF-16 with a byte order mark. Line ends of any system.
"""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

from libs.statements.refusals import RefusedError

MOST_LINE: Final = 2**16  # bytes
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Characters around messages and pages.
_ENVELOPE: Final = dict.fromkeys(map(ord, "\x01\x02\x03\x0c\x1a\ufeff"))
_FIRST_PRINTED: Final = " "


def lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yields (line number from 1, text without the line end)."""
    reader = _Decoder()
    for number, line in enumerate(_raw(chunks), start=1):
        yield number, reader.text(line, number)


def _raw(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Raw lines without line ends. UTF-16 is converted to UTF-8."""
    held = b""
    number = 1
    for chunk in _as_utf_8(chunks):
        data = held + chunk
        tail = data[-1:] if data.endswith(b"\r") else b""  # its line feed may be in the next chunk
        data = data[: len(data) - len(tail)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, held = data.split(b"\n")
        for line in whole:
            yield _bounded(line, number)
            number += 1
        held = _bounded(held, number) + tail
    yield from held.replace(b"\r", b"\n").split(b"\n")


def _bounded(line: bytes, number: int) -> bytes:
    if len(line) > MOST_LINE:
        raise RefusedError(f"has a line of more than {MOST_LINE} bytes", line=number)
    return line


def _as_utf_8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    chunks = iter(chunks)
    first = next(chunks, b"")
    mark, encoding = next((each for each in _MARKS if first.startswith(each[0])), (b"", ""))
    if not encoding.startswith("utf-16"):
        yield first.removeprefix(mark)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(first[len(mark) :]).encode()
        for chunk in chunks:
            yield decoder.decode(chunk).encode()
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise RefusedError("starts like UTF-16 but is not valid, or ends too early") from None


class _Decoder:
    """One encoding per file, determined by the first non-ASCII character."""

    def __init__(self) -> None:
        self._encodings = ["utf-8", "cp1252"]

    def text(self, line: bytes, number: int) -> str:
        found = self._decoded(line, number).translate(_ENVELOPE)
        if not found.isprintable() and any(
            each < _FIRST_PRINTED and each != "\t" for each in found
        ):
            raise RefusedError("has a control character", line=number)
        return found

    def _decoded(self, line: bytes, number: int) -> str:
        if line.isascii():
            return line.decode("ascii")
        for encoding in self._encodings:
            try:
                found = line.decode(encoding)
            except UnicodeDecodeError:
                continue
            self._encodings = [encoding]
            return found
        raise RefusedError(
            "has a character that is not of the file's encoding, UTF-8 or Windows-1252",
            line=number,
        )
