"""Security headers of every response that a browser may see, and content policies of pages."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

CSP_API: Final = "default-src 'none'; frame-ancestors 'none'"
CSP_PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Scalar's script inserts its styles.
CSP_DOCS: Final = CSP_PAGE.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": CSP_API,
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "interest-cohort=(), camera=(), microphone=(), geolocation=()",
}
HSTS: Final = "max-age=31536000; includeSubDomains"


def common(*, secure: bool) -> Mapping[str, str]:
    """The headers of every response that does not set its own. `secure`: browsers use TLS."""
    return {**ALWAYS, "Strict-Transport-Security": HSTS} if secure else ALWAYS


def protect(response: web.StreamResponse, headers: Mapping[str, str]) -> None:
    """Adds `headers` to a response but keeps its own, without the one that names our software."""
    response.headers.pop("Server", None)
    for name, value in headers.items():
        if name not in response.headers:
            response.headers[name] = value


def content_policy(*, nonce: str = "", more: Mapping[str, Sequence[str]] | None = None) -> str:
    """Content-Security-Policy of a page with forms: our own origin, and `more` by directive. `nonce` is
    that of its one style element.
    """
    sources = {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", *([f"'nonce-{nonce}'"] if nonce else [])],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    for name, allowed in (more or {}).items():
        sources[name] = [*sources.get(name, []), *allowed]
    return "; ".join(f"{name} {' '.join(allowed)}" for name, allowed in sources.items())
