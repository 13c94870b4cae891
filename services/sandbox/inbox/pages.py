"""The inbox for people: a list, an e-mail in a frame, an SMS on a phone."""

from dataclasses import dataclass

from aiohttp import web

from services.sandbox import errors, rendering, wire, words
from services.sandbox.books import messages
from services.sandbox.books.messages import Message
from services.sandbox.inbox import reading, segments
from services.sandbox.inbox.api import CHANNELS

ROWS = 100
FIRST_WORDS = 80

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Row:
    message: Message
    title: str


def _title(message: Message) -> str:
    whole = message.subject if message.channel == "email" else " ".join(message.text.split())
    return whole if len(whole) <= FIRST_WORDS else f"{whole[:FIRST_WORDS].rstrip()}…"


@routes.get("/inbox")
async def list_messages(request: web.Request) -> web.Response:
    part = request.query.get("to", "").strip()
    channel = request.query.get("channel", "")
    rows = messages.latest(
        wire.deps_of(request).conn,
        part=part or None,
        channel=channel if channel in CHANNELS else None,
        limit=ROWS,
    )
    return rendering.page(
        "inbox.html",
        text=words.for_reader(request),
        rows=[Row(row, _title(row)) for row in rows],
        part=part,
        channel=channel,
        filtered=bool(part or channel),
    )


@routes.get("/inbox/{message_id}")
async def show_message(request: web.Request) -> web.Response:
    text = words.for_reader(request)
    message = _find(request)
    if message is None:
        return rendering.page(
            "missing.html", status=404, message=text["missing_message"], text=text
        )
    if message.channel == "email":
        mail = reading.read(message.body)
        return rendering.page(
            "mail.html", frame_src="'self'", text=text, message=message, mail=mail
        )
    length = segments.measure(message.text)
    form = text["length"] if length.segments == 1 else text["parts"]
    written = form.format(
        units=length.units,
        most=length.fits_one,
        encoding=length.encoding,
        segments=length.segments,
    )
    return rendering.page("sms.html", text=text, message=message, length=written)


@routes.get("/inbox/{message_id}/html")
async def show_html(request: web.Request) -> web.Response:
    """At its own URL, so that its own content policy applies, not that of the surrounding page."""
    message = _find(request)
    if message is None or message.channel != "email":
        raise errors.NotFoundError("no such e-mail")
    return rendering.foreign_document(reading.opening_elsewhere(reading.read(message.body).html))


@routes.get("/inbox/{message_id}/source")
async def show_source(request: web.Request) -> web.Response:
    message = _find(request)
    if message is None or message.channel != "email":
        raise errors.NotFoundError("no such e-mail")
    return web.Response(
        body=message.body,
        content_type="text/plain",
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"},
    )


def _find(request: web.Request) -> Message | None:
    return messages.find(wire.deps_of(request).conn, request.match_info["message_id"])
