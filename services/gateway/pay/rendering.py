"""The shopper pages as responses: templates, theme, and a content policy per page."""

import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import web

from incasso.common.v1 import merchant_pb2
from incasso.instalments.v1 import pages_pb2 as plan_pages_pb2
from incasso.paylink.v1 import pages_pb2
from libs import display
from libs.web.headers import content_policy
from libs.web.templating import environment
from libs.web.theme import theme
from services.gateway.pay.texts import WORDS

Merchant: TypeAlias = (
    pages_pb2.PageMerchant | plan_pages_pb2.PlanMerchant | merchant_pb2.ShownMerchant
)
CardField: TypeAlias = pages_pb2.CardField | plan_pages_pb2.PlanCardField

STRIPE_SCRIPT: Final = "https://js.stripe.com"
# What Stripe's guide requires besides the origin of its script.
STRIPE_MORE: Final = {
    "connect-src": ("https://api.stripe.com",),
    "frame-src": ("https://*.js.stripe.com", "https://hooks.stripe.com"),
    "script-src": ("https://*.js.stripe.com",),
}

_OF_PSP: Final = ("script-src", "connect-src", "frame-src")

_templates = environment(Path(__file__).parent.parent / "templates")


def language_of(request: web.Request, otherwise: str = display.FALLBACK) -> str:
    """The language that the shopper chose, otherwise the browser's, otherwise the link's."""
    asked = request.query.get("lang", "")
    if asked in display.LANGUAGES:
        return asked
    return display.preferred(request.headers.get("Accept-Language", ""), otherwise=otherwise)


def asked_language(request: web.Request) -> str:
    """The language in the URL, to be kept there; "" if there is none."""
    asked = request.query.get("lang", "")
    return asked if asked in display.LANGUAGES else ""


def address(root: str, request: web.Request, path: str = "", **query: str) -> str:
    """URL of a token's pages under `root`, in the chosen language."""
    kept = {"lang": asked_language(request), **query}
    query_string = urlencode({name: value for name, value in kept.items() if value})
    token = quote(request.match_info["token"], safe="")
    return f"/{root}/{token}{path}{'?' if query_string else ''}{query_string}"


def respond(
    template: str,
    language: str,
    *,
    status: int = HTTPStatus.OK,
    merchant: Merchant | None = None,
    field: CardField | None = None,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> web.Response:
    """A response that is never cached. `field`: the PSP whose script this page may load."""
    nonce = secrets.token_urlsafe(12)
    body = _templates.get_template(f"pay/{template}").render(
        language=language,
        words=WORDS[language],
        nonce=nonce,
        merchant=merchant,
        theme=theme(merchant.primary_colour if merchant is not None else ""),
        **values,
    )
    kept = {
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Content-Security-Policy": policy(nonce, field),
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "X-Robots-Tag": "noindex, nofollow",
        "Vary": "Accept-Language",
    }
    return web.Response(
        status=status,
        text=body,
        content_type="text/html",
        charset="utf-8",
        headers={**kept, **(headers or {})},
    )


def policy(nonce: str, field: CardField | None) -> str:
    """Content-Security-Policy: our own origin, and the PSP's if the page shows its field."""
    psp = origin_of(field.field_url) if field is not None else ""
    if not psp:
        return content_policy(nonce=nonce)
    more = STRIPE_MORE if psp == STRIPE_SCRIPT else {}
    of_psp = {name: (psp, *more.get(name, ())) for name in _OF_PSP}
    return content_policy(nonce=nonce, more=of_psp)


def origin_of(url: str) -> str:
    """`https://js.stripe.com` for its script's URL; "" for anything without an origin."""
    parts = urlsplit(url)
    plain = parts.netloc.replace("-", "").replace(".", "").replace(":", "").replace("[", "")
    if parts.scheme not in ("http", "https") or not plain.replace("]", "").isalnum():
        return ""
    return f"{parts.scheme}://{parts.netloc}"
