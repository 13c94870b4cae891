"""Files for browsers, read once. `stylesheet` is one file of the shared tokens and a process's own rules."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

_SHARED: Final = [Path(__file__).parent / "static" / name for name in ("tokens.css", "parts.css")]
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """Serves the file, or 304 if the client has it."""

    body: bytes
    media_type: str
    etag: str
    headers: dict[str, str]

    async def serve(self, request: web.Request) -> web.Response:
        headers = {**self.headers, "ETag": f'"{self.etag}"'}
        known = request.headers.get("If-None-Match", "")  # digests need no parsing
        if f'"{self.etag}"' in known or known.strip() == "*":
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, headers={**headers, "Content-Type": self.media_type})


def static_file(body: bytes, ending: str, *, headers: dict[str, str] | None = None) -> StaticFile:
    """A StaticFile from bytes; `ending` is the file name's, with its dot."""
    return StaticFile(
        body,
        _TYPES[ending],
        hashlib.sha256(body).hexdigest()[:32],
        {"Cache-Control": "public, max-age=300", **(headers or {})},
    )


def of_file(path: Path, headers: dict[str, str] | None = None) -> StaticFile:
    return static_file(path.read_bytes(), path.suffix, headers=headers)


def stylesheet(*own: Path) -> StaticFile:
    """The shared design tokens and parts, then a process's own rules."""
    return static_file(b"\n".join(path.read_bytes() for path in (*_SHARED, *own)), ".css")
