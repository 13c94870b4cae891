"""The bank's page: a customer makes a transfer, by scanning a code or by hand, and sees the list
of transfers.
"""

import re
from functools import partial
from typing import Any

from aiohttp import web

from services.sandbox import errors, rendering, wire, words
from services.sandbox.bank import transfers
from services.sandbox.books import clocks
from services.sandbox.books import transfers as books

ROWS = 50
AMOUNT = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,2}))?")
FIELDS = ("epc", "debtor_name", "iban", "name", "reference", "text")

routes = web.RouteTableDef()


@routes.get("/bank")
async def show_bank(request: web.Request) -> web.Response:
    return _page(request, {}, done=request.query.get("done"))


@routes.post("/bank")
async def submit_transfer(request: web.Request) -> web.Response:
    fields = await request.post()
    conn = wire.deps_of(request).conn
    form = {name: value.strip() for name, value in fields.items() if isinstance(value, str)}
    try:
        order = _order(form, words.for_reader(request))
        transfer = transfers.parse(order, now=partial(clocks.now, conn))
    except errors.InvalidRequestError as refusal:
        return _page(request, form, refusal=refusal, status=refusal.status)
    credit = books.insert(conn, transfer)
    locale = f"&locale={request.query['locale']}" if "locale" in request.query else ""
    raise web.HTTPSeeOther(f"/bank?done={credit.bank_reference}{locale}")


def _order(form: dict[str, str], text: dict[str, Any]) -> dict[str, Any]:
    order: dict[str, Any] = {name: form[name] for name in FIELDS if form.get(name)}
    if written := form.get("amount"):
        found = AMOUNT.fullmatch(written.removeprefix("€").strip())
        if found is None:
            raise errors.InvalidRequestError(text["wrong_amount"], field="amount")
        order["amount_minor"] = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    return order


def _page(
    request: web.Request,
    form: dict[str, str],
    *,
    refusal: errors.InvalidRequestError | None = None,
    done: str | None = None,
    status: int = 200,
) -> web.Response:
    return rendering.page(
        "bank.html",
        status=status,
        text=words.for_reader(request),
        rows=books.latest(wire.deps_of(request).conn, limit=ROWS),
        form=form,
        refusal=refusal,
        done=done,
        default_debtor=transfers.DEBTOR,
    )
