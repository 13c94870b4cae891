"""Files for browsers, read once: web components, stylesheet and scripts of pages, demos."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from services.gateway.security import CSP_PAGE

# For pages of other sites.
ANYWHERE: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_FOLDER: Final = Path(__file__).parent / "static"
# One module of several files, in this order: no cache can mix their versions.
_ELEMENTS: Final = ("element.js", "one_click.js", "instalments.js")
_DEMOS: Final = ("one-click", "instalments")
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
    """From bytes; `ending` as in file names, with its dot."""
    return StaticFile(
        body,
        _TYPES[ending],
        hashlib.sha256(body).hexdigest()[:32],
        {"Cache-Control": "public, max-age=300", **(headers or {})},
    )


def asset(name: str, headers: dict[str, str] | None = None) -> StaticFile:
    path = _FOLDER / name
    return static_file(path.read_bytes(), path.suffix, headers=headers)


def elements() -> StaticFile:
    """The web components."""
    parts = [(_FOLDER / "elements" / name).read_bytes() for name in _ELEMENTS]
    return static_file(b"\n".join(parts), ".js", headers=ANYWHERE)


def routes(*, demo_pages: bool) -> list[web.RouteDef]:
    found = {
        "/js/v1/incasso.js": elements(),
        "/assets/pages.css": asset("pages.css"),
        "/assets/pay.js": asset("pay.js"),
    }
    if demo_pages:
        policy = {"Content-Security-Policy": CSP_PAGE}
        for name in _DEMOS:
            file = f"demo_{name.replace('-', '_')}"
            found[f"/demo/{name}"] = asset(f"{file}.html", policy)
            found[f"/demo/{name}.js"] = asset(f"{file}.js")
    return [web.get(path, file.serve) for path, file in found.items()]
