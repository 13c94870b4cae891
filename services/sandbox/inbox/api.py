"""The inbox for scripts: list, read, empty."""

from datetime import UTC, datetime

from aiohttp import web

from services.sandbox import errors, wire
from services.sandbox.books import messages
from services.sandbox.database import transaction
from services.sandbox.inbox import views

CHANNELS = ("email", "sms", "whatsapp")

routes = web.RouteTableDef()


def wished_channel(request: web.Request) -> str | None:
    channel = request.query.get("channel") or None
    if channel is not None and channel not in CHANNELS:
        raise errors.InvalidRequestError(f"one of {', '.join(CHANNELS)}", field="channel")
    return channel


def moment(request: web.Request, name: str) -> float:
    """RFC 3339 or seconds since the epoch; empty means from the beginning."""
    text = request.query.get(name, "")
    if not text:
        return 0.0
    try:
        return float(text)
    except ValueError:
        pass
    try:
        # An unescaped plus arrives as a space.
        parsed = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise errors.InvalidRequestError("a time by RFC 3339, or in seconds", field=name) from None
    # Printed times are rounded: the message whose time was copied is still included.
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() - 1e-6


@routes.get("/inbox/messages")
async def list_messages(request: web.Request) -> web.Response:
    rows = messages.latest(
        wire.deps_of(request).conn,
        recipient=_recipient(request) or None,
        channel=wished_channel(request),
        since=moment(request, "since"),
        limit=wire.page_limit(request),
    )
    return wire.json_answer({"data": [views.message(row) for row in rows]})


def _recipient(request: web.Request) -> str:
    """An unescaped `+39…` arrives with a space instead of the plus."""
    wished = request.query.get("to", "")
    return f"+{wished[1:]}" if wished.startswith(" ") else wished.strip()


@routes.get("/inbox/messages/{message_id}")
async def get_message(request: web.Request) -> web.Response:
    row = messages.find(wire.deps_of(request).conn, request.match_info["message_id"])
    if row is None:
        raise errors.NotFoundError("no such message")
    return wire.json_answer(views.message(row))


@routes.delete("/inbox/messages")
async def empty(request: web.Request) -> web.Response:
    """Also resets greylisting."""
    conn = wire.deps_of(request).conn
    with transaction(conn):
        removed = messages.clear(conn)
    return wire.json_answer({"removed": removed})
