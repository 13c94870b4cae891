"""Request bodies: read within limits of size and time, and decompressed where that is allowed.

aiohttp decompresses nothing here: a body that does not match its headers gets a refusal of its
own, a truncated one is never accepted, a small one never becomes a large one, and webhooks are read
as the bytes that were sent.
"""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from libs.web.errors import BodySlow, BodyTooLarge, BodyUnreadable, ContentEncodingUnsupported
from libs.web.limits import MOST_BYTES

SECONDS: Final = web.AppKey("body_seconds", float)  # for a whole body, or for each MiB of a file
MAX_MEDIA_TYPE: Final = 200  # of a header; the rest is ignored
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's values for the formats


async def raw(request: web.Request, most: int) -> bytes:
    """The bytes as sent, for routes where a compressed body makes no sense.

    Raises BodyTooLarge, BodySlow, BodyUnreadable and ContentEncodingUnsupported.
    """
    check(request, most)
    return await _read(request, most)


def check(request: web.Request, most: int) -> None:
    """Checks the headers of a body that is not compressed."""
    if coding_of(request) != "identity":
        raise ContentEncodingUnsupported(("identity",))
    if (request.content_length or 0) > most:
        raise BodyTooLarge


def seconds_for(request: web.Request, most: int) -> float:
    """How long a body of at most `most` bytes may take."""
    return request.app[SECONDS] * max(1, most / MOST_BYTES)


async def pieces(request: web.Request, most: int) -> AsyncIterator[bytes]:
    """The bytes as they arrive. Each MiB has its own time limit, which counts only the time spent
    waiting for the sender.
    """
    check(request, most)
    size, left = 0, request.app[SECONDS]
    while True:
        before = time.monotonic()
        try:
            async with asyncio.timeout(left):
                piece = await request.content.readany()
        except TimeoutError:
            raise BodySlow from None
        except (web.RequestPayloadError, ConnectionError):
            raise BodyUnreadable from None
        if not piece:
            return
        left -= time.monotonic() - before
        if size // MOST_BYTES != (size + len(piece)) // MOST_BYTES:
            left = request.app[SECONDS]
        size += len(piece)
        if size > most:
            raise BodyTooLarge
        yield piece


async def unpacked(request: web.Request, most: int) -> bytes:
    """The whole body, which may be compressed with gzip or deflate; `most` applies before and
    after.
    """
    coding = coding_of(request)
    if coding != "identity" and coding not in _WINDOW_BITS:
        raise ContentEncodingUnsupported(("gzip", "deflate"))
    body = await _read(request, most)
    return body if coding == "identity" or not body else unpack(body, coding, most)


def coding_of(request: web.Request) -> str:
    codings = ", ".join(request.headers.getall("Content-Encoding", [])).strip().lower()
    return codings or "identity"


def unpack(body: bytes, coding: str, most: int) -> bytes:
    """Raises BodyUnreadable for anything but one complete stream, and BodyTooLarge."""
    stream = zlib.decompressobj(_WINDOW_BITS[coding])
    try:
        found = stream.decompress(body, most + 1)
    except zlib.error:
        raise BodyUnreadable(
            f"The body is not {coding}, although its Content-Encoding says so."
        ) from None
    if len(found) > most:
        raise BodyTooLarge
    if not stream.eof or stream.unused_data:
        raise BodyUnreadable(f"The body is not one complete {coding} stream.")
    return found


def media_type_of(request: web.Request) -> tuple[str, str]:
    """The media type and its charset in lower case, "" if there is none.

    Replaces aiohttp's parser, which takes half a second for a line full of parameters.
    """
    kind, *parameters = request.headers.get("Content-Type", "")[:MAX_MEDIA_TYPE].lower().split(";")
    named = dict(parameter.strip().partition("=")[::2] for parameter in parameters)
    return kind.strip(), named.get("charset", "").strip().strip('"')


async def _read(request: web.Request, most: int) -> bytes:
    if (request.content_length or 0) > most:
        raise BodyTooLarge
    found = bytearray()
    try:
        async with asyncio.timeout(seconds_for(request, most)):
            async for chunk in request.content.iter_any():
                found += chunk
                if len(found) > most:
                    raise BodyTooLarge
    except TimeoutError:
        raise BodySlow from None
    except (web.RequestPayloadError, ConnectionError):
        raise BodyUnreadable from None
    return bytes(found)
