"""Couriers' remittances: a file is previewed before it is booked; lines that need attention."""

import base64
from typing import Any, Final

from incasso.cod.v1 import remittances_pb2
from libs.errors import invalid, required
from services.console.areas.cod import AREA, couriers_of
from services.console.errors import LineGone
from services.console.listing import enum_value, rows, with_query
from services.console.page import Html, Page, See, get, post
from services.console.shown import enum
from services.console.visit import Visit

MOST_OF_FILE: Final = 8 * 1024 * 1024  # as in the contract
CLOSINGS: Final = ("not_ours", "given_back", "settled", "written_off")
_SHOWN: Final = ("cursor", "result", "exceptions")


async def listed(visit: Visit) -> Html:
    """Remittances, newest first, and the upload form, with the problem of a refused file."""
    request = remittances_pb2.ListRemittancesRequest()
    return Html(
        "remittances.html",
        {
            **await rows(visit, request, "remittances", "courier_id"),
            "couriers": await couriers_of(visit),
            "writes": visit.who.holds("cod:write"),
            "faults": visit.problem.violations if visit.problem else (),
        },
    )


async def upload(visit: Visit) -> See:
    """Uploads the file. Nothing is booked until that is confirmed on the next page."""
    if visit.file is None:
        raise invalid("file", visit.word("file_missing"))
    request = remittances_pb2.UploadRemittanceRequest(
        courier_id=visit.typed("courier_id"),
        file=base64.b64encode(visit.file.content).decode(),
        name=visit.file.name[:200] or None,
    )
    answer = await visit.change(request)
    return See(f"/cod/remittances/{answer.remittance.id}", notice="read")


async def one(visit: Visit) -> Html:
    """A remittance with its lines. `line` in the query is the one being resolved."""
    remittance_id = visit.part("remittance_id")
    wanted = remittances_pb2.GetRemittanceRequest(remittance_id=remittance_id)
    remittance = (await visit.ask(wanted)).remittance
    found = await _lines(visit)
    state = enum(remittance, "state")
    chosen = visit.request.match_info.get("line_id") or visit.asked("line")
    return Html(
        "remittance.html",
        {
            "remittance": remittance,
            "state": state,
            **found,
            "chosen": next((line for line in found["lines"] if line.id == chosen), None),
            "kept": with_query("", _kept(visit)),
            "courier": (await couriers_of(visit)).get(remittance.courier_id, ""),
            "books": state == "previewed" and visit.who.holds("cod:write"),
            "resolves": state == "committed" and visit.who.holds("cod:write"),
            "closings": CLOSINGS,
        },
    )


async def commit(visit: Visit) -> See:
    """Books all lines that match, in one step."""
    remittance_id = visit.part("remittance_id")
    wanted = remittances_pb2.GetRemittanceRequest(remittance_id=remittance_id)
    before = (await visit.ask(wanted)).remittance
    request = remittances_pb2.CommitRemittanceRequest(remittance_id=remittance_id)
    await visit.change(request, subject=remittance_id, before=before)
    return See(f"/cod/remittances/{remittance_id}", notice="booked")


async def resolve(visit: Visit) -> See:
    """Sets the order that a line pays for, or the reason why there is none."""
    remittance_id, line_id = visit.part("remittance_id"), visit.part("line_id")
    lines = (await _lines(visit))["lines"]
    before = required(next((line for line in lines if line.id == line_id), None), LineGone)
    order = visit.typed("cod_order_id") or visit.typed("other_order")
    closing = enum_value(remittances_pb2.RemittanceClosing, visit.typed("closed_as"))
    if not order and closing is None:
        raise invalid("closed_as", visit.word("resolution_missing"))
    request = remittances_pb2.ResolveRemittanceLineRequest(
        remittance_id=remittance_id,
        remittance_line_id=line_id,
        cod_order_id=order or None,
        tracking_number=(visit.typed("tracking_number") or None) if order else None,
        resolution=visit.typed("resolution") or None,
    )
    if not order:
        request.closed_as = closing
    await visit.change(request, subject=line_id, before=before)
    path = with_query(f"/cod/remittances/{remittance_id}", _kept(visit))
    return See(path, notice="line_resolved")


async def _lines(visit: Visit) -> dict[str, Any]:
    """The lines, filtered by the query."""
    request = remittances_pb2.ListRemittanceLinesRequest(
        remittance_id=visit.part("remittance_id"),
        is_exception=True if visit.asked("exceptions") else None,
    )
    return await rows(visit, request, "lines", "result")


def _kept(visit: Visit) -> dict[str, str]:
    """The query parameters that select the lines shown."""
    return {name: visit.asked(name) for name in _SHOWN if visit.asked(name)}


LIST: Final = ("cod.ListRemittances", "cod.ListCouriers")
READS: Final = ("cod.GetRemittance", "cod.ListRemittanceLines", "cod.ListCouriers")
PAGES: Final[tuple[Page, ...]] = (
    get("/cod/remittances", listed, AREA, *LIST),
    post(
        "/cod/remittances",
        upload,
        AREA,
        *LIST,
        "cod.UploadRemittance",
        again=listed,
        most_of_file=MOST_OF_FILE,
    ),
    get("/cod/remittances/{remittance_id}", one, AREA, *READS),
    post(
        "/cod/remittances/{remittance_id}/book",
        commit,
        AREA,
        *READS,
        "cod.CommitRemittance",
        again=one,
    ),
    post(
        "/cod/remittances/{remittance_id}/lines/{line_id}",
        resolve,
        AREA,
        *READS,
        "cod.ResolveRemittanceLine",
        again=one,
    ),
)
