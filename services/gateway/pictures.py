"""Pictures of merchants: logos and products, by names that change with the image."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from google.protobuf.message import Message

from incasso.merchants.v1 import merchants_pb2
from incasso.paylink.v1 import shop_pb2
from libs import client, deadlines
from libs.upstreams import Upstreams

LOGO: Final = "/logos/{name}"
PRODUCT: Final = "/pictures/{name}"
MAX_ID: Final = 100
_TYPES: Final = frozenset(["image/png", "image/jpeg"])
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",  # webmail shows it too
}


class Pictures:
    """`get` is merchants' GetLogo, or paylink's GetProductPicture; `asked` makes its request."""

    def __init__(self, get: Any, asked: Callable[[str], Message]) -> None:
        self._get = get
        self._asked = asked

    async def serve(self, request: web.Request) -> web.Response:
        """Raises the service's own logo_not_found, or picture_not_found."""
        wanted = self._asked(request.match_info["name"][:MAX_ID])
        answer = await client.call(self._get, wanted, timeout_seconds=deadlines.READ)
        kind = answer.media_type if answer.media_type in _TYPES else "application/octet-stream"
        return web.Response(body=answer.picture, headers={**_HEADERS, "Content-Type": kind})


def routes(upstreams: Upstreams) -> list[web.RouteDef]:
    logos = Pictures(
        upstreams.method("merchants", "GetLogo"),
        lambda name: merchants_pb2.GetLogoRequest(logo_id=name),
    )
    products = Pictures(
        upstreams.method("paylink", "GetProductPicture"),
        lambda name: shop_pb2.GetProductPictureRequest(picture_id=name),
    )
    return [web.get(LOGO, logos.serve), web.get(PRODUCT, products.serve)]
