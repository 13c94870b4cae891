"""Files that an RPC sends as a stream: the heading first, then the pieces.

A flow returns a Download. As in an upload, the last piece is marked as the last.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from incasso.common.v1.file_pb2 import FileHeading, FilePiece
from incasso.rest.v1.options_pb2 import DownloadRules

PIECE_BYTES: Final = 256 * 1024  # maximum sent at once

Pieces = AsyncIterator[bytes]


class CutOffError(ConnectionError):
    """The stream ended before the file."""


@dataclass(frozen=True, slots=True)
class Download:
    """`media_type` is one that the RPC's rules allow. `size_bytes` is None if it is unknown."""

    name: str
    media_type: str
    pieces: Pieces
    size_bytes: int | None = None


async def messages(
    download: Download, rules: DownloadRules, kind: type[Message]
) -> AsyncGenerator[Message, None]:
    """The messages of the stream. There is no last piece if `download.pieces` raises."""
    if download.media_type not in rules.media_types:
        raise ValueError(f"{download.media_type} is not among the RPC's media types")
    heading = FileHeading(
        name=download.name, media_type=download.media_type, size_bytes=download.size_bytes
    )
    yield kind(**{rules.heading: heading})
    async with closing(download.pieces):
        async for data in download.pieces:
            for start in range(0, len(data), PIECE_BYTES):
                piece = FilePiece(data=data[start : start + PIECE_BYTES])
                yield kind(**{rules.field: piece})
    yield kind(**{rules.field: FilePiece(is_last=True)})


def closing(pieces: Any) -> AsyncExitStack | aclosing[Any]:
    """Closes the pieces, if they come from a generator, when the reader stops early."""
    return aclosing(pieces) if hasattr(pieces, "aclose") else AsyncExitStack()


async def received(stream: Any, rules: DownloadRules) -> Download:
    """The download of a call. `pieces` raises CutOffError if the last one does not come."""
    first = await stream.read()
    if not isinstance(first, Message):  # grpc.aio.EOF
        raise CutOffError
    heading: FileHeading = getattr(first, rules.heading)
    size = heading.size_bytes if heading.HasField("size_bytes") else None
    return Download(heading.name, heading.media_type, _pieces(stream, rules), size)


async def _pieces(stream: Any, rules: DownloadRules) -> AsyncGenerator[bytes, None]:
    try:
        while True:
            message = await stream.read()
            if not isinstance(message, Message):
                raise CutOffError
            piece: FilePiece = getattr(message, rules.field)
            if piece.data:
                yield piece.data
            if piece.is_last:
                return
    finally:
        stream.cancel()
