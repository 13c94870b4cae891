"""The books for audits: GET /books/…, streamed, all rows unless a page is requested."""

import asyncio
import json

from aiohttp import web

from services.sandbox import wire
from services.sandbox.books import charges, operations

routes = web.RouteTableDef()


@routes.get("/books/charges")
async def list_charges(request: web.Request) -> web.StreamResponse:
    """`limit` or `cursor` requests one page; `format=ndjson` (or Accept) one line per charge."""
    filters = {name: request.query[name] for name in charges.BOOK_FILTERS if name in request.query}
    wants_lines = "ndjson" in request.headers.get("Accept", "")
    if wants_lines or request.query.get("format") == "ndjson":
        return await _stream(request, filters, lines=True)
    if "limit" in request.query or "cursor" in request.query:
        limit = wire.page_limit(request)
        rows = charges.page(
            wire.deps_of(request).conn, filters, after=request.query.get("cursor", ""), limit=limit
        )
        cursor = rows[-1]["id"] if len(rows) == limit else None
        return wire.json_answer({"data": rows, "next_cursor": cursor})
    return await _stream(request, filters, lines=False)


async def _stream(
    request: web.Request, filters: dict[str, str], *, lines: bool
) -> web.StreamResponse:
    """A thousand rows at a time, so that a long book does not delay charges."""
    response = web.StreamResponse()
    response.content_type = "application/x-ndjson" if lines else "application/json"
    await response.prepare(request)
    separator = "\n" if lines else ","
    if not lines:
        await response.write(b'{"data":[')
    first = True
    for rows in charges.pages(wire.deps_of(request).conn, filters):
        chunk = separator.join(json.dumps(row, separators=(",", ":")) for row in rows)
        await response.write(("" if first else separator).encode() + chunk.encode())
        first = False
        await asyncio.sleep(0)
    if not lines:
        await response.write(b'],"next_cursor":null}')
    elif not first:
        await response.write(b"\n")
    await response.write_eof()
    return response


@routes.get("/books/totals")
async def list_totals(request: web.Request) -> web.Response:
    deps = wire.deps_of(request)
    return wire.json_answer(
        {
            "data": charges.totals(deps.conn),
            "webhooks_waiting": deps.sender.waiting,
        }
    )


@routes.get("/books/operations")
async def list_operations(request: web.Request) -> web.Response:
    """The operations of one charge: `?charge_id=…&account=…`."""
    rows = operations.for_charge(
        wire.deps_of(request).conn,
        request.query.get("account", ""),
        request.query.get("charge_id", ""),
    )
    return wire.json_answer({"data": rows})
