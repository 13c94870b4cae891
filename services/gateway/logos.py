"""GET /logos/{logo_id}: a merchant's logo, by a name that changes with the image."""

from typing import Any, Final

from aiohttp import web

from incasso.merchants.v1 import merchants_pb2
from libs import client, deadlines

PATH: Final = "/logos/{logo_id}"
MAX_ID: Final = 100
_TYPES: Final = frozenset(["image/png", "image/jpeg"])
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",  # webmail shows it too
}


class Logos:
    """`get` is merchants' GetLogo."""

    def __init__(self, get: Any) -> None:
        self._get = get

    async def serve(self, request: web.Request) -> web.Response:
        """Raises merchants' own logo_not_found."""
        wanted = merchants_pb2.GetLogoRequest(logo_id=request.match_info["logo_id"][:MAX_ID])
        answer = await client.call(self._get, wanted, timeout_seconds=deadlines.READ)
        kind = answer.media_type if answer.media_type in _TYPES else "application/octet-stream"
        return web.Response(body=answer.picture, headers={**_HEADERS, "Content-Type": kind})
