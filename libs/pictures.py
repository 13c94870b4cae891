"""What a merchant's picture may be: a PNG or JPEG, read block by block to its end. Pure.

The pixels are not decompressed: browsers do that. The check is that the bytes are one complete
image of the declared kind, of an allowed size, with nothing after it. PNG: RFC 2083 / W3C PNG
chapter 5; JPEG: ITU-T T.81 annex B.
"""

import base64
import binascii
import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_ID_DIGITS: Final = 24

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER: Final = 13  # bytes of IHDR
_JPEG: Final = b"\xff\xd8"
_MARKER: Final = 0xFF
_SOS, _EOI = 0xDA, 0xD9
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})  # supported by browsers: Huffman, not lossless
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_STUFFED: Final = frozenset({0x00, *range(0xD0, 0xD8)})  # after 0xFF inside a scan


@dataclass(frozen=True, slots=True)
class Picture:
    """`id` is derived from the content, so it changes with the image."""

    id: str
    media_type: str
    content: bytes


class PictureUnusable(ValueError):  # noqa: N818 - it is an answer, not a fault of the program
    """Says why, in a sentence."""


def picture_of(text: str, *, most_bytes: int, most_side: int) -> Picture:
    """Decodes base64; `most_side` is in pixels. Raises PictureUnusable."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureUnusable("The picture is not base64.") from error
    if len(content) > most_bytes:
        raise PictureUnusable(f"The picture has {len(content)} bytes; {most_bytes} are allowed.")
    media_type, (width, height) = _read(content)
    if not (0 < width <= most_side and 0 < height <= most_side):
        raise PictureUnusable(
            f"The picture has {width} x {height} pixels; {most_side} a side are allowed."
        )
    return Picture(hashlib.sha256(content).hexdigest()[:_ID_DIGITS], media_type, content)


def _read(content: bytes) -> tuple[str, tuple[int, int]]:
    """Media type, width and height."""
    try:
        if content.startswith(_PNG):
            return "image/png", _png_size(content)
        if content.startswith(_JPEG):
            return "image/jpeg", _jpeg_size(content)
    except (IndexError, struct.error, zlib.error, ValueError) as error:
        raise PictureUnusable(
            "The picture is damaged or truncated, or has data after its end."
        ) from error
    raise PictureUnusable("The picture is neither PNG nor JPEG.")


def _png_size(content: bytes) -> tuple[int, int]:
    chunks = list(_png_chunks(content))
    kinds = [kind for kind, _ in chunks]
    if kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or b"IDAT" not in kinds:
        raise ValueError("not a whole PNG")
    if kinds.count(b"IHDR") > 1 or len(chunks[0][1]) != _PNG_HEADER:
        raise ValueError("not one header")
    width, height = struct.unpack(">II", chunks[0][1][:8])
    return width, height


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks up to IEND, which has to be the end of the file."""
    at = len(_PNG)
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        (stated,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(kind + data) != stated:
            raise ValueError("a checksum is wrong")
        yield kind, data
        at += length + 12
        if kind == b"IEND" and at != len(content):
            raise ValueError("something follows the picture")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """The size in the frame header, which comes before the first scan. EOI has to end the file."""
    at, size = len(_JPEG), None
    while True:
        if content[at] != _MARKER:
            raise ValueError("no marker where one must be")
        marker = content[at + 1]
        at += 2
        if marker == _EOI:
            break
        if marker in _STANDALONE:
            continue
        if marker == _MARKER:  # fill byte: the marker begins one byte later
            at -= 1
            continue
        (length,) = struct.unpack_from(">H", content, at)
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 3)
            size = width, height
        at += length
        if marker == _SOS:
            at = _end_of_scan(content, at)
    if size is None or at != len(content):
        raise ValueError("no frame, or something follows the picture")
    return size


def _end_of_scan(content: bytes, at: int) -> int:
    """Where the next marker begins."""
    while content[at] != _MARKER or content[at + 1] in _STUFFED:
        at += 1
    return at
