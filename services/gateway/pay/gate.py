"""Access to pages whose address is the only proof: rate limits, and forms from our pages only."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

from libs.errors import Kind, Refusal
from libs.web.errors import HttpRefusal
from libs.web.forms import is_from_our_page
from libs.web.limits import Limiter
from services.gateway.pay import guard
from services.gateway.transcoder import Edge

_STRANGE: Final = (Kind.NOT_FOUND, Kind.INVALID)  # a malformed token counts as unknown
_NOT_NOW: Final = (Kind.UNAVAILABLE, Kind.INTERNAL)

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


class Gate:
    """Lets requests in; each unknown token counts as a failure of its address."""

    def __init__(self, edge: Edge, public_url: str) -> None:
        self._failures = edge.failures.pages
        self._addresses = edge.addresses
        self._public_url = public_url
        self._posts: Limiter = guard.posts_limiter()

    async def let_in(self, request: web.Request, answer: Answer) -> web.Response:
        bucket, at = self._addresses.bucket(request), time.monotonic()
        if wait := self._failures.wait_seconds(bucket, at):
            return guard.limited(request, wait)
        try:
            return self._turned_away(request, at) or await answer(request)
        except Refusal as refusal:
            if refusal.kind in _NOT_NOW:
                return guard.busy(request)
            if refusal.kind not in _STRANGE or isinstance(refusal, HttpRefusal):
                raise
            self._failures.take(bucket, at)
            return guard.missing(request)

    def _turned_away(self, request: web.Request, at: float) -> web.Response | None:
        """The refusal of a form from another site, or of one too many for a token; else None."""
        if request.method != "POST":
            return None
        if not is_from_our_page(request, self._public_url):
            return guard.foreign(request)
        wait = self._posts.take(guard.digest(guard.token_of(request)), at)
        return guard.limited(request, wait) if wait else None
