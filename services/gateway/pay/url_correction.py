"""Corrects URLs that shoppers mistype or mail programs break.

`/P/…`, `//p/…`, `/p/<token>/`, `/shop/Slug`, a full stop, a bracket or a line break at the end:
such requests are redirected to the URL that was meant, decided by its text alone. Any other error
under these paths is shown as a page in the reader's language, never as a problem for programs.
"""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from libs.errors import Kind, Refusal
from libs.logs import log
from libs.web.errors import HttpRefusal, http_status, refusal_of
from services.gateway.pay import guard

ROOTS: Final = frozenset(["p", "plan", "cod", "shop", "return"])
_LOOKING: Final = frozenset(["GET", "HEAD"])
_ABSENT: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_ENDS = re.compile(r"^[^0-9A-Za-z_=-]+|[^0-9A-Za-z_=-]+$")
_TOKEN = re.compile(r"[0-9A-Za-z_-]*")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def middleware() -> Any:
    @web.middleware
    async def shopper(request: web.Request, handler: Handler) -> web.StreamResponse:
        parts = corrected_parts(request.path)
        if not parts or parts[0] not in ROOTS:
            return await handler(request)
        meant = "/" + "/".join(parts)
        if request.method in _LOOKING and len(parts) > 1 and meant != request.path:
            return redirect(request, meant)
        try:
            return await handler(request)
        except Refusal as refusal:
            return error_page(request, refusal)
        except web.HTTPException as error:
            return error_page(request, refusal_of(error))
        except Exception as error:  # noqa: BLE001 - the shopper learns that it is our fault
            log.error("page failed", method=request.method, exc_info=error)
            return guard.message(request, "fault", status=HTTPStatus.INTERNAL_SERVER_ERROR)

    return shopper


def corrected_parts(path: str) -> list[str]:
    """Parts of the URL that was meant: without surrounding punctuation, the root and a shop's slug
    in lower case.
    """
    parts = [part for part in (_ENDS.sub("", part) for part in path.split("/")) if part]
    if not parts:
        return parts
    root, *rest = parts[0].lower(), *parts[1:]
    if root in ("p", "plan", "cod"):
        rest = _from_token(rest)
    if rest and root == "shop":
        rest[0] = rest[0].lower()
    return [root, *rest]


def _from_token(parts: list[str]) -> list[str]:
    """The token at the start of the first part that begins like one, and the parts after it; all
    parts from `return` on, if that comes first.
    """
    for place, part in enumerate(parts):
        if part == "return":
            return parts[place:]
        if token := _TOKEN.match(part)[0]:  # type: ignore[index]  # it matches everything
            return [token, *parts[place + 1 :]]
    return []


def redirect(request: web.Request, meant: str) -> web.Response:
    query = request.rel_url.raw_query_string
    url = quote(meant)
    headers = {"Location": f"{url}?{query}" if query else url, "Cache-Control": "no-store"}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def error_page(request: web.Request, refusal: Refusal) -> web.Response:
    """The error as a page."""
    status, headers = http_status(refusal), getattr(refusal, "headers", None)
    if status in _ABSENT:
        return guard.message(request, "missing", status=status, headers=headers)
    if refusal.kind is Kind.RATE:
        return guard.message(request, "limited", status=status, headers=headers)
    if refusal.kind is Kind.UNAVAILABLE:
        return guard.busy(request)
    name = "unreadable" if isinstance(refusal, HttpRefusal) else "fault"
    return guard.message(request, name, status=status, headers=headers)
