"""Answers that are files: sent while they are read, as fast as the caller takes them.

A file that cannot be sent to its end must not look like a whole one: its connection is reset.
"""

import re
import socket
import struct
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from aiohttp import web
from prometheus_client import Counter

from libs import downloads, telemetry
from libs.downloads import CutOffError, Download
from libs.errors import InternalError, Refusal
from libs.logs import log
from libs.web.requests import TRACE_HEADER

CUT_OFF = Counter("incasso_http_files_cut_off_total", "Downloads that were cut off", ["reason"])
_NOT_PLAIN: Final = re.compile(r"[^\w.,() -]", re.ASCII)
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: what is not sent is dropped


async def send(
    request: web.Request, file: Download, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Raises an error of the pieces only before the first one; a later one resets the connection."""
    async with downloads.closing(file.pieces):
        pieces = aiter(file.pieces)
        first = await anext(pieces, b"")
        response = web.StreamResponse(headers=_headers(file) | dict(headers))
        response.content_length = file.size_bytes
        await response.prepare(request)
        try:
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
            await response.write_eof()
        except (Refusal, ConnectionError) as error:
            _cut_off(request, _reason(error))
        except BaseException:
            _cut_off(request, InternalError.reason)
            raise
    return response


def _reason(error: Refusal | ConnectionError) -> str:
    if isinstance(error, Refusal):
        return error.reason
    return "stream_ended" if isinstance(error, CutOffError) else "caller_left"


def _cut_off(request: web.Request, reason: str) -> None:
    CUT_OFF.labels(reason).inc()
    log.info("a download was cut off", reason=reason)
    reset(request)


def _headers(file: Download) -> dict[str, str]:
    return {
        "Content-Type": file.media_type + ("; charset=utf-8" * file.media_type.startswith("text/")),
        "Content-Disposition": disposition(file.name),
        "Cache-Control": "no-store",
        TRACE_HEADER: telemetry.trace_id(),
    }


def disposition(name: str) -> str:
    """Content-Disposition that saves the file under its name (RFC 6266)."""
    plain = _NOT_PLAIN.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def left(request: web.Request) -> bool:
    """Whether the caller is gone."""
    return request.transport is None or request.transport.is_closing()


def reset(request: web.Request) -> None:
    """Resets the connection: in HTTP/1.0, closing it would mean that the answer is complete."""
    if request.transport is not None:
        if (found := request.transport.get_extra_info("socket")) is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        request.transport.abort()
