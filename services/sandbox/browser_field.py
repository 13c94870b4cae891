"""The card field for the browser: an iframe of the sandbox's origin, so that the shop's page and
server never see a number. Only a single-use token leaves the frame.
"""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aiohttp import web

from services.sandbox import cards, errors, orders, rendering, saving, texts, wire

routes = web.RouteTableDef()
EXPIRY = re.compile(r"(\d{1,2})\s*/\s*(?:20)?(\d{2})", re.ASCII)
CVC = re.compile(r"\d{3,4}", re.ASCII)
MONTHS = 12


def parse_expiry(text: str, *, today: datetime) -> tuple[int, int]:
    """(month, year) of a card that is still valid this month."""
    match = EXPIRY.fullmatch(text.strip())
    month, year = (int(match[1]), 2000 + int(match[2])) if match else (0, 0)
    if not 1 <= month <= MONTHS:
        raise errors.InvalidRequestError("month and year as MM/YY", field="expiry")
    if (year, month) < (today.year, today.month):
        raise errors.InvalidRequestError("the card has expired", field="expiry")
    return month, year


def parent_origin(text: str) -> str | None:
    """The origin that may embed the field and receive its messages."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not re.fullmatch(
        r"[A-Za-z0-9.:\[\]-]+", parts.netloc
    ):
        return None
    return f"{parts.scheme}://{parts.netloc}"


@routes.get("/psp/field.js")
async def field_script(request: web.Request) -> web.Response:
    response = rendering.asset("field.js", "text/javascript")
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@routes.get(f"/psp/{wire.ACCOUNT}/field")
async def field_page(request: web.Request) -> web.Response:
    parent = parent_origin(request.query.get("parent", "")) or wire.base_url(request)
    return rendering.page(
        "field.html",
        frame_ancestors=f"'self' {parent}",
        words=texts.for_reader(request),
        account=request.match_info["account"],
        parent=parent,
        with_button=request.query.get("button") != "0",
    )


@routes.post(f"/psp/{wire.ACCOUNT}/tokens")
async def create_token(request: web.Request) -> web.Response:
    """Called by the field's own page only, so it needs no key and sends no CORS headers."""
    body = await wire.json_object(request)
    orders.only(body, frozenset({"number", "expiry", "cvc"}))
    number = orders.text(body, "number", longest=30)
    month, year = parse_expiry(orders.text(body, "expiry", longest=10), today=datetime.now(UTC))
    if not CVC.fullmatch(orders.text(body, "cvc", longest=10)):
        raise errors.InvalidRequestError("three or four digits", field="cvc")
    card = cards.card_for_number(number, exp_month=month, exp_year=year)
    account = request.match_info["account"]
    token = saving.issue_field_token(wire.deps_of(request), account, card)
    return wire.json_answer(token, status=201)
