"""Security headers of every response that a browser may see, and content policies of pages."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

CSP_API: Final = "default-src 'none'; frame-ancestors 'none'"
CSP_PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Scalar has its styles in its script.
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
    """What every response has unless it says otherwise. `secure`: browsers use TLS."""
    return {**ALWAYS, "Strict-Transport-Security": HSTS} if secure else ALWAYS


def protect(response: web.StreamResponse, headers: Mapping[str, str]) -> None:
    """Adds `headers` to a response; what a page says itself stays. Nothing names what we run on."""
    response.headers.pop("Server", None)
    for name, value in headers.items():
        if name not in response.headers:
            response.headers[name] = value


def content_policy(*, nonce: str = "", more: Mapping[str, Sequence[str]] | None = None) -> str:
    """Content-Security-Policy of a page with forms: ourselves, and `more` by directive. `nonce`: that
    of its one style element.
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
