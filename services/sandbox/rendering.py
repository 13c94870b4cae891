"""jinja2 pages with their headers: a strict content policy and no caching."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from services.sandbox import texts

HERE = Path(__file__).parent
ASSETS = HERE / "assets"

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip  # one line of settings


def _moment(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _fours(text: str) -> list[str]:
    """In groups of four, as account numbers are read aloud."""
    return [text[at : at + 4] for at in range(0, len(text), 4)]


_environment.filters["moment"] = _moment
_environment.filters["fours"] = _fours
_environment.filters["amount"] = texts.written_amount


def page(
    template: str,
    *,
    status: int = 200,
    frame_ancestors: str = "'none'",
    form_action: str = "'self'",
    frame_src: str = "'none'",
    **values: Any,
) -> web.Response:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self'; base-uri 'none'; form-action {form_action}; frame-src {frame_src}; "
        f"frame-ancestors {frame_ancestors}"
    )
    return web.Response(
        text=_environment.get_template(template).render(**values),
        status=status,
        content_type="text/html",
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def foreign_document(html: str) -> web.Response:
    """HTML written by strangers: shown in a frame, without scripts, forms or an origin."""
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    return web.Response(
        text=html,
        content_type="text/html",
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def asset(name: str, content_type: str) -> web.Response:
    return web.Response(
        body=(ASSETS / name).read_bytes(),
        content_type=content_type,
        charset="utf-8",
        headers={"Cache-Control": "max-age=300", "X-Content-Type-Options": "nosniff"},
    )
