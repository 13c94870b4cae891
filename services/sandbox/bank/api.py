"""The simulated bank for scripts: make a transfer, list the credits of an account."""

from functools import partial

from aiohttp import web

from services.sandbox import errors, wire
from services.sandbox.bank import epc, transfers
from services.sandbox.books import clocks
from services.sandbox.books import transfers as books

routes = web.RouteTableDef()


@routes.post("/bank/transfers")
async def make_transfer(request: web.Request) -> web.Response:
    conn = wire.deps_of(request).conn
    transfer = transfers.parse(await wire.json_object(request), now=partial(clocks.now, conn))
    credit = books.insert(conn, transfer)
    return wire.json_answer(transfers.view(credit), status=201)


@routes.get("/bank/accounts/{iban}/credits")
async def list_credits(request: web.Request) -> web.Response:
    """In order of booking; `since` is the `next_cursor` of an earlier answer."""
    try:
        iban = epc.checked_iban(request.match_info["iban"])
    except epc.WrongPayloadError as wrong:
        raise errors.InvalidRequestError(wrong.reason, field=wrong.field) from None
    after = wire.query_integer(request, "since", 0, most=2**62)
    limit = wire.page_limit(request)
    rows = books.page(wire.deps_of(request).conn, iban, after=after, limit=limit)
    return wire.json_answer(
        {
            "data": [transfers.view(row) for row in rows],
            "next_cursor": str(rows[-1].sequence) if rows else str(after),
            "has_more": len(rows) == limit,
        }
    )
