"""Checks on a form before it is parsed: from our own page, small, and not too frequent."""

import hashlib
import ipaddress
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from incasso.paylink.v1 import pages_pb2
from libs.display import FALLBACK
from libs.web import forms
from libs.web.forms import text_of
from libs.web.limits import Limiter
from services.gateway.pay import rendering
from services.gateway.pay.texts import WORDS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# A shop's page has two fields, of some 40 bytes each, for each of up to 200 products.
MAX_FORM_BYTES: Final = 32 * 1024
# Forms per link and process.
POSTS_PER_SECOND: Final = 1.0
POSTS_BURST: Final = 60.0


def posts_limiter() -> Limiter:
    return Limiter(rate=POSTS_PER_SECOND, burst=POSTS_BURST)


def token_of(request: web.Request) -> str:
    return text_of(request.match_info["token"])


def digest(token: str) -> str:
    """The key under which a token's forms are counted."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()[:32]


async def form_of(request: web.Request) -> dict[str, str]:
    """Raises BodyTooLarge."""
    return await forms.form_of(request, MAX_FORM_BYTES)


def ip_or_none(address: str) -> str | None:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def missing(request: web.Request) -> web.Response:
    """The one answer for every address that does not exist, or no longer exists."""
    return message(request, "missing", status=HTTPStatus.NOT_FOUND)


def limited(request: web.Request, wait_seconds: float) -> web.Response:
    after = {"Retry-After": str(max(1, round(wait_seconds + 0.5)))}
    return message(request, "limited", status=HTTPStatus.TOO_MANY_REQUESTS, headers=after)


def foreign(request: web.Request) -> web.Response:
    return message(request, "foreign", status=HTTPStatus.FORBIDDEN)


def busy(request: web.Request) -> web.Response:
    """Shown if the service behind the page does not answer; after a GET it reloads itself."""
    again = {"Retry-After": "3"}
    if request.method == "GET":
        again["Refresh"] = "3"
    return message(request, "busy", status=HTTPStatus.SERVICE_UNAVAILABLE, headers=again)


def message(
    request: web.Request,
    name: str,
    *,
    status: int = HTTPStatus.OK,
    headers: dict[str, str] | None = None,
    action: dict[str, str] | None = None,
    page: pages_pb2.PayPage | None = None,
    **values: str,
) -> web.Response:
    """A page with a single message; in its merchant's colours if `page` is given."""
    language = rendering.language_of(request, page.payment_link.locale if page else FALLBACK)
    words = WORDS[language]
    return rendering.respond(
        "message.html",
        language,
        status=status,
        headers=headers,
        merchant=page.merchant if page else None,
        mark=name,
        title=words[f"{name}_title"],
        text=words[f"{name}_text"].format(**values),
        action=action,
    )
