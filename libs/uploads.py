"""Files sent to an RPC as a stream: the other fields come first, then the pieces.

A truncated stream looks like one that ended, so the last piece is marked as the last.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from incasso.common.v1.file_pb2 import FilePiece
from incasso.rest.v1.options_pb2 import UploadRules
from libs.errors import invalid

TAKEN: Final = ("incasso-upload", "taken")  # metadata: the request was checked, send the file
PIECE_BYTES: Final = 256 * 1024  # maximum sent at once

Pieces = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Upload:
    """`request` has everything but the file."""

    request: Message
    pieces: Pieces


async def received(requests: Any, rules: UploadRules) -> Upload:
    """The upload from a call's stream. Raises InvalidArgument if it is empty."""
    stream = aiter(requests)
    first = await anext(stream, None)
    if first is None:
        raise invalid(rules.field, "is required")
    return Upload(first, _pieces(stream, rules))


async def _pieces(requests: AsyncIterator[Any], rules: UploadRules) -> Pieces:
    """Raises InvalidArgument if the file is too large or truncated."""
    size = 0
    async for request in requests:
        piece: FilePiece = getattr(request, rules.field)
        size += len(piece.data)
        if size > rules.max_bytes:
            raise invalid(rules.field, f"must have at most {rules.max_bytes} bytes")
        if piece.data:
            yield piece.data
        if piece.is_last:
            return
    raise invalid(rules.field, "was cut off")


async def messages(first: Message, rules: UploadRules, pieces: Pieces) -> AsyncIterator[Message]:
    """The messages after the first one. If `pieces` raises, they end without a last piece."""
    kind = first.__class__
    async for data in pieces:
        for start in range(0, len(data), PIECE_BYTES):
            piece = FilePiece(data=data[start : start + PIECE_BYTES])
            yield kind(**{rules.field: piece})
    yield kind(**{rules.field: FilePiece(is_last=True)})
