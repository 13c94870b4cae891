"""The simulated courier for scripts: takes manifests, delivers, refuses, returns, remits, sends lists."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from aiohttp import web

from services.sandbox import database, errors, orders, wire
from services.sandbox.books import clocks
from services.sandbox.books import parcels as books
from services.sandbox.courier import lists, remitting
from services.sandbox.courier.dialects import DIALECTS, Dialect, Table
from services.sandbox.courier.parcels import MOVES, Parcel, State, number_of, parse_manifest
from services.sandbox.deps import Deps

COURIER: Final = r"{courier:[a-z0-9][a-z0-9_-]{0,63}}"

routes = web.RouteTableDef()


@routes.post(f"/courier/{COURIER}/manifests")
async def take_manifest(request: web.Request) -> web.Response:
    """Each reference is one parcel."""
    deps, courier = wire.deps_of(request), request.match_info["courier"]
    announced = parse_manifest(await wire.json_object(request))
    now = clocks.now(deps.conn, courier)
    with database.transaction(deps.conn):
        taken = []
        for parcel in announced:
            books.announce(deps.conn, courier, parcel, now)
            found = books.by_reference(deps.conn, courier, parcel.reference)
            assert found is not None
            taken.append(_view(found))
    return wire.json_answer({"parcels": taken}, status=201)


@routes.get(f"/courier/{COURIER}/parcels")
async def list_parcels(request: web.Request) -> web.Response:
    """In order of acceptance; these are also the books."""
    after = wire.query_integer(request, "since", 0, most=2**62)
    limit = wire.page_limit(request)
    courier = request.match_info["courier"]
    rows = books.page(wire.deps_of(request).conn, courier, after=after, limit=limit)
    return wire.json_answer(
        {
            "data": [_view(row) for row in rows],
            "next_cursor": str(rows[-1].sequence if rows else after),
            "has_more": len(rows) == limit,
        }
    )


@routes.get(f"/courier/{COURIER}/remittances/{{number:[0-9]{{1,9}}}}")
async def get_remittance(request: web.Request) -> web.Response:
    """The file, as sent by e-mail."""
    courier, number = request.match_info["courier"], int(request.match_info["number"])
    found = books.file(wire.deps_of(request).conn, courier, number)
    if found is None:
        raise errors.NotFoundError("no such remittance")
    name, media_type, body = found
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=media_type, headers=headers)


@routes.get(f"/courier/{COURIER}/manifest-file")
async def get_manifest_file(request: web.Request) -> web.Response:
    """Parcels accepted and not delivered, with the amount to collect for each."""
    conn, courier = wire.deps_of(request).conn, request.match_info["courier"]
    parcels = books.unpaid(conn, courier, State.TAKEN)
    return _list_of(request, lists.manifest(parcels[-lists.MOST_ROWS :]))


@routes.get(f"/courier/{COURIER}/event-file")
async def get_event_file(request: web.Request) -> web.Response:
    """All events of its parcels."""
    conn, courier = wire.deps_of(request).conn, request.match_info["courier"]
    movements = books.movements(conn, courier, limit=lists.MOST_ROWS)
    return _list_of(request, lists.events(movements))


def _list_of(request: web.Request, table: Table) -> web.Response:
    dialect = _dialect(request.query.get("dialect"))
    return web.Response(body=dialect.write(table), content_type=dialect.media_type)


def _dialect(name: object) -> Dialect:
    found = DIALECTS.get(str(name or "windows"))
    if found is None:
        raise errors.InvalidRequestError(f"one of {', '.join(DIALECTS)}", field="dialect")
    return found


@routes.post(f"/control/couriers/{COURIER}/parcels/{{tracking_number}}/{{move}}")
async def move_parcel(request: web.Request) -> web.Response:
    """attempt, deliver, refuse or return; a delivery may collect another amount than agreed."""
    deps, courier = wire.deps_of(request), request.match_info["courier"]
    body = await wire.json_object(request)
    move = MOVES.get(request.match_info["move"])
    if move is None:
        raise errors.NotFoundError("parcels are attempted, delivered, refused or returned")
    orders.only(body, frozenset({"amount_minor"}))
    to, allowed = move
    with database.transaction(deps.conn):
        number = number_of(request.match_info["tracking_number"])
        parcel = books.find(deps.conn, courier, number)
        if parcel is None:
            raise errors.NotFoundError("no such parcel")
        if parcel.state not in (*allowed, to):
            raise errors.ParcelElsewhereError(f"the parcel is {parcel.state}")
        if parcel.state != to:
            parcel = replace(
                parcel,
                state=to,
                collected_minor=_collected(body, parcel, to),
                moved_at=clocks.now(deps.conn, courier),
            )
            books.move(deps.conn, parcel)
    return wire.json_answer(_view(parcel))


def _collected(body: dict[str, Any], parcel: Parcel, to: str) -> int:
    if to != State.COLLECTED:
        return 0
    return orders.amount(body) if "amount_minor" in body else parcel.amount_minor


@routes.post(f"/control/couriers/{COURIER}/remittances")
async def remit(request: web.Request) -> web.Response:
    """Pays out everything collected and not paid out yet, and writes the remittance file."""
    deps, courier = wire.deps_of(request), request.match_info["courier"]
    body = await wire.json_object(request)
    orders.only(body, remitting.FIELDS)
    dialect = _dialect(body.get("dialect"))
    order, on = remitting.parse(body), _day(body, clocks.moment(deps.conn, courier))
    with database.transaction(deps.conn):
        collected = books.unpaid(deps.conn, courier, State.COLLECTED)
        returned = books.unpaid(deps.conn, courier, State.RETURNED)
        lines = remitting.lines(order, collected, returned)
        file = dialect.write(lists.remittance(lines, on))
        name = f"rimesse-{on:%Y%m%d}.{dialect.suffix}"
        number = books.insert_file(
            deps.conn, courier, name=name, media_type=dialect.media_type, body=file
        )
        _book(deps, [*collected, *returned[: order.returned]], lines, number)
    answer = {
        "number": number,
        "name": name,
        "url": f"{wire.base_url(request)}/courier/{courier}/remittances/{number}",
        "lines": len(lines),
        "remitted_minor": sum(line.remitted_minor for line in lines),
    }
    return wire.json_answer(answer, status=201)


def _book(deps: Deps, paid: list[Parcel], lines: list[remitting.Line], number: int) -> None:
    """Books on each parcel the sum that the lines pay for it."""
    for parcel in paid:
        remitted = sum(
            line.remitted_minor for line in lines if line.tracking_number == parcel.tracking_number
        )
        books.save(deps.conn, replace(parcel, remitted_minor=remitted, remittance=number))


def _day(body: dict[str, Any], now: datetime) -> date:
    """`on`, for tests that move a clock; otherwise today."""
    text = orders.optional_text(body, "on", longest=10)
    try:
        return date.fromisoformat(text) if text else now.date()
    except ValueError:
        raise errors.InvalidRequestError("a day like 2026-11-26", field="on") from None


def _view(parcel: Parcel) -> dict[str, Any]:
    return {
        "tracking_number": parcel.tracking_number,
        "reference": parcel.reference,
        "to_collect_minor": parcel.amount_minor,
        "currency": parcel.currency,
        "mode": parcel.mode,
        "state": parcel.state,
        "collected_minor": parcel.collected_minor,
        "remitted_minor": parcel.remitted_minor,
        "moved": int(parcel.moved_at),
    }
