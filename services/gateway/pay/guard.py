"""Checks on a form before it is parsed: from our own page, small, and not too frequent."""

import hashlib
import ipaddress
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from incasso.paylink.v1 import pages_pb2
from libs.display import FALLBACK
from libs.text import without_controls
from services.gateway import bodies
from services.gateway.errors import BodyTooLarge
from services.gateway.pay import rendering
from services.gateway.pay.texts import WORDS
from services.gateway.rules.limits import Limiter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FORM_TYPE: Final = "application/x-www-form-urlencoded"
# A shop's page has two fields, of some 40 bytes each, for each of up to 200 products.
MAX_FORM_BYTES: Final = 32 * 1024
MAX_FIELDS: Final = 500
# Forms per link and process.
POSTS_PER_SECOND: Final = 1.0
POSTS_BURST: Final = 60.0
# Browsers that send this header tell the truth in it, whatever the referrer policy.
_FETCHED_BY_US: Final = frozenset(["same-origin", "none"])


def posts_limiter() -> Limiter:
    return Limiter(rate=POSTS_PER_SECOND, burst=POSTS_BURST)


def token_of(request: web.Request) -> str:
    return text_of(request.match_info["token"])


def text_of(value: str) -> str:
    """Text that protobuf accepts, whatever the URL contained."""
    return without_controls(value.encode("utf-8", "replace").decode())


def digest(token: str) -> str:
    """Under which a token is counted."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()[:32]


def is_from_our_page(request: web.Request, public_url: str) -> bool:
    """Whether the form was submitted by our own page, not by another site.

    `Origin: null` is sent by a page without referrers. Requests without either header do not come
    from a browser, and contain only what the sender already knew.
    """
    fetched_by = request.headers.get("Sec-Fetch-Site")
    if fetched_by is not None:
        return fetched_by in _FETCHED_BY_US
    origin = request.headers.get("Origin", "null")
    return origin in ("null", _origin(public_url), f"{request.scheme}://{request.host}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def form_of(request: web.Request) -> dict[str, str]:
    """The fields; the first value of repeated ones. Empty if it is not a form. Raises
    BodyTooLarge.
    """
    body = await bodies.raw(request, MAX_FORM_BYTES)
    if bodies.media_type_of(request)[0] != FORM_TYPE:
        return {}
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        return {}
    except ValueError:
        raise BodyTooLarge from None
    for name, value in pairs:
        found.setdefault(name, value.replace("\x00", "").strip())
    return found


def whole_number(text: str) -> int:
    """0 for anything else."""
    plain = text.isascii() and text.isdigit() and len(text) <= 15  # noqa: PLR2004 - below 2^53
    return int(text) if plain else 0


def ip_or_none(address: str) -> str | None:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def missing(request: web.Request) -> web.Response:
    """The single answer for every address that does not, or no longer, exist."""
    return message(request, "missing", status=HTTPStatus.NOT_FOUND)


def limited(request: web.Request, wait_seconds: float) -> web.Response:
    after = {"Retry-After": str(max(1, round(wait_seconds + 0.5)))}
    return message(request, "limited", status=HTTPStatus.TOO_MANY_REQUESTS, headers=after)


def foreign(request: web.Request) -> web.Response:
    return message(request, "foreign", status=HTTPStatus.FORBIDDEN)


def busy(request: web.Request) -> web.Response:
    """Shown if the service behind does not answer: the page reloads by itself."""
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
