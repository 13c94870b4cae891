"""Forms of our pages: read within limits, and only from our own pages."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from aiohttp import BodyPartReader, web

from libs.text import without_controls
from libs.web import bodies
from libs.web.errors import BodySlow, BodyTooLarge, BodyUnreadable

FORM_TYPE: Final = "application/x-www-form-urlencoded"
FILE_FORM_TYPE: Final = "multipart/form-data"
MAX_FIELDS: Final = 500
# Browsers that send this header do so truthfully, regardless of the referrer policy.
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


@dataclass(frozen=True, slots=True)
class SentFile:
    """`name` comes from the browser, and is only for display."""

    name: str
    content: bytes


async def form_with_file(
    request: web.Request, most: int, most_of_file: int
) -> tuple[dict[str, str], SentFile | None]:
    """Like `form_of`, plus the file of a form that has one; an empty field has none. Raises BodyTooLarge,
    BodySlow and BodyUnreadable.
    """
    if bodies.media_type_of(request)[0] != FILE_FORM_TYPE:
        return await form_of(request, most), None
    bodies.check(request, most + most_of_file)
    found: dict[str, str] = {}
    file: SentFile | None = None
    left = most
    try:
        async with asyncio.timeout(bodies.seconds_for(request, most_of_file)):
            parts = await request.multipart()
            while (part := await parts.next()) is not None:
                if not isinstance(part, BodyPartReader) or not part.name:
                    raise BodyUnreadable
                if part.filename is not None:
                    content = await _read(part, most_of_file)
                    file = SentFile(text_of(part.filename), content) if part.filename else file
                    continue
                value = await _read(part, left)
                left -= len(value) + len(part.name)
                plain = value.decode("utf-8", "replace").replace("\x00", "").strip()
                found.setdefault(part.name, plain)
    except TimeoutError:
        raise BodySlow from None
    except (ValueError, AssertionError, web.RequestPayloadError, ConnectionError):
        raise BodyUnreadable from None  # aiohttp checks forms by assertions
    return found, file


async def _read(part: Any, most: int) -> bytes:
    found = bytearray()
    while piece := await part.read_chunk():
        found += piece
        if len(found) > most:
            raise BodyTooLarge
    return bytes(found)


def whole_number(text: str) -> int:
    """0 for anything else."""
    plain = text.isascii() and text.isdigit() and len(text) <= 15  # noqa: PLR2004 - below 2^53
    return int(text) if plain else 0
