"""Forms of our pages: read within limits, and only from pages of ours."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from libs.text import without_controls
from libs.web import bodies
from libs.web.errors import BodyTooLarge

FORM_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FIELDS: Final = 500
# Browsers that send this header tell the truth in it, whatever the referrer policy.
_FETCHED_BY_US: Final = frozenset(["same-origin", "none"])


def text_of(value: str) -> str:
    """Text that protobuf accepts, whatever the URL contained."""
    return without_controls(value.encode("utf-8", "replace").decode())


def is_from_our_page(request: web.Request, public_url: str) -> bool:
    """Whether the form was submitted by our own page, not by another site.

    `Origin: null` is sent by a page without referrers. Requests without either header do not come
    from a browser, and contain only what the sender already knew.
    """
    fetched_by = request.headers.get("Sec-Fetch-Site")
    if fetched_by is not None:
        return fetched_by in _FETCHED_BY_US
    origin = request.headers.get("Origin", "null")
    return origin in ("null", origin_of(public_url), f"{request.scheme}://{request.host}")


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def form_of(request: web.Request, most: int) -> dict[str, str]:
    """The fields of a form of at most `most` bytes; the first value of repeated ones. Empty if it is
    not a form. Raises BodyTooLarge.
    """
    body = await bodies.raw(request, most)
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
