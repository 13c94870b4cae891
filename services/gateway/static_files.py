"""Files that the gateway hands to browsers, read once."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """Answers itself, or 304 to who has it already."""

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


def made(body: bytes, ending: str, *, headers: dict[str, str] | None = None) -> StaticFile:
    """From bytes; `ending` as in file names, with its dot."""
    return StaticFile(
        body,
        _TYPES[ending],
        hashlib.sha256(body).hexdigest()[:32],
        {"Cache-Control": "public, max-age=300", **(headers or {})},
    )


def asset(name: str, headers: dict[str, str] | None = None) -> StaticFile:
    path = _FOLDER / name
    return made(path.read_bytes(), path.suffix, headers=headers)
