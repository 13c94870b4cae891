"""CORS for the calls that browsers may make, and the security headers of all responses."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from libs.web import headers

_EXPOSED: Final = "Incasso-Trace-Id, RateLimit, RateLimit-Policy, Retry-After"
_ALLOWED: Final = "Authorization, Content-Type, Idempotency-Key, Incasso-Client-Secret, Traceparent"
PREFLIGHT_SECONDS: Final = 600


class Security:
    """`origins` as in INCASSO_CORS_ORIGINS: "*" or a list."""

    def __init__(self, *, origins: str, secure: bool) -> None:
        self._any = origins.strip() == "*"
        self._origins = frozenset(part.strip() for part in origins.split(",") if part.strip())
        self._always = headers.common(secure=secure)

    async def on_prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Runs for every response of the application, including streams."""
        self.protect(response)
        if request.path.startswith("/v1/"):
            response.headers["Cache-Control"] = "no-store"

    def protect(self, response: web.StreamResponse) -> None:
        """Adds the headers common to all responses; a page's own policy stays."""
        headers.protect(response, self._always)

    def share(self, request: web.Request, response: web.StreamResponse) -> None:
        """Lets the page of an allowed origin read this response."""
        response.headers.update(self._shared(request.headers.get("Origin")))

    def preflight(self, request: web.Request, methods: tuple[str, ...]) -> web.Response:
        """Answers OPTIONS of a URL that browsers may call."""
        shared = self._shared(request.headers.get("Origin"))
        if not shared:
            return web.Response(status=204)
        return web.Response(
            status=204,
            headers={
                **shared,
                "Access-Control-Allow-Methods": ", ".join(methods),
                "Access-Control-Allow-Headers": _ALLOWED,
                "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            },
        )

    def _shared(self, origin: str | None) -> Mapping[str, str]:
        if not origin:
            return {}
        if self._any:
            return {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Expose-Headers": _EXPOSED,
                "Cross-Origin-Resource-Policy": "cross-origin",
            }
        if origin not in self._origins:
            return {"Vary": "Origin"}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _EXPOSED,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Origin",
        }
