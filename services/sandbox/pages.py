"""Pages about the simulated world for people: charges, webhooks, faults, traces."""

from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from services.sandbox import errors, rendering, wire
from services.sandbox.books import charges, messages, transfers
from services.sandbox.traces import Span

routes = web.RouteTableDef()
ROWS = 50
# Services keep their colour within a page, in order of appearance.
COLOURS = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a waterfall; `left` and `width` in thousandths of the whole trace."""

    span: Span
    depth: int
    left: float
    width: float
    colour: int


@routes.get("/")
async def index(request: web.Request) -> web.Response:
    deps = wire.deps_of(request)
    return rendering.page(
        "index.html",
        totals=charges.totals(deps.conn),
        accounts=list(deps.accounts.values()),
        waiting=deps.sender.waiting,
        rules=len(deps.faults.rules),
        messages=messages.count(deps.conn),
        transfers=transfers.count(deps.conn),
        smtp_port=deps.smtp_port,
        base_url=wire.base_url(request),
    )


@routes.get("/charges")
async def list_charges(request: web.Request) -> web.Response:
    rows = charges.latest(
        wire.deps_of(request).conn, before=request.query.get("before"), limit=ROWS
    )
    older = rows[-1]["id"] if len(rows) == ROWS else None
    return rendering.page("charges.html", rows=rows, older=older)


@routes.get("/faults")
async def list_faults(request: web.Request) -> web.Response:
    return rendering.page("faults.html", rules=wire.deps_of(request).faults.rules)


@routes.get("/webhooks")
async def list_webhooks(request: web.Request) -> web.Response:
    sender = wire.deps_of(request).sender
    return rendering.page("webhooks.html", deliveries=list(sender.recent), waiting=sender.waiting)


def waterfall(spans: list[Span]) -> list[Bar]:
    """Parents before children, both by start; a span whose parent is unknown is a root."""
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = {}
    for span in spans:
        parent = span.parent_id if span.parent_id in known else None
        children.setdefault(parent, []).append(span)
    start = min(span.start_unix_nano for span in spans)
    end = max(span.start_unix_nano + span.duration_ms * 1e6 for span in spans)
    scale = 1000 / max(end - start, 1)
    colours: dict[str, int] = {}
    bars: list[Bar] = []
    # A stack instead of recursion: a hostile trace may be nested deeply.
    todo = [(span, 0) for span in reversed(children.get(None, []))]
    while todo:
        span, depth = todo.pop()
        colour = colours.setdefault(span.service, len(colours) % COLOURS)
        left = (span.start_unix_nano - start) * scale
        width = max(span.duration_ms * 1e6 * scale, 2)
        bars.append(Bar(span, depth, left, width, colour))
        todo += [(child, depth + 1) for child in reversed(children.get(span.span_id, []))]
    return bars


def _summary(trace_id: str, spans: list[Span]) -> dict[str, Any]:
    start = min(span.start_unix_nano for span in spans)
    end = max(span.start_unix_nano + span.duration_ms * 1e6 for span in spans)
    return {
        "trace_id": trace_id,
        "name": waterfall(spans)[0].span.name if waterfall(spans) else spans[0].name,
        "services": sorted({span.service for span in spans}),
        "spans": len(spans),
        "errors": sum(span.status == "error" for span in spans),
        "duration_ms": (end - start) / 1e6,
        "started": start / 1e9,
    }


@routes.get("/traces")
async def list_traces(request: web.Request) -> web.Response:
    latest = wire.deps_of(request).traces.latest(ROWS)
    rows = [_summary(trace_id, spans) for trace_id, spans in latest if spans]
    return rendering.page("traces.html", rows=rows)


@routes.get(r"/traces/{trace_id:[0-9a-f]{32}}.json")
async def get_trace(request: web.Request) -> web.Response:
    trace_id = request.match_info["trace_id"]
    spans = wire.deps_of(request).traces.spans(trace_id)
    if spans is None:
        raise errors.NotFoundError("this trace is not kept here")
    return wire.json_answer({"trace_id": trace_id, "spans": [asdict(span) for span in spans]})


@routes.get("/traces/{trace_id}")
async def show_trace(request: web.Request) -> web.Response:
    trace_id = request.match_info["trace_id"]
    spans = wire.deps_of(request).traces.spans(trace_id)
    if not spans:
        message = "This trace is not here: it arrives some seconds after its request, and the oldest go first."
        return rendering.page("missing.html", status=404, message=message)
    bars, summary = waterfall(spans), _summary(trace_id, spans)
    return rendering.page("trace.html", bars=bars, summary=summary)
