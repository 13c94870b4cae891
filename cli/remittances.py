"""`incasso cod remittances`: couriers' remittance files, their results, and how exceptions were
resolved.
"""

import base64
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from cli import output
from cli.calls import COD_REMITTANCES, ask
from cli.options import Cursor, Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.cod.v1 import remittances_pb2 as pb

app = typer.Typer(
    help="Couriers' remittance files: upload, check, commit, and resolve line by line.",
    no_args_is_help=True,
)

REMITTANCES: Final = (
    "id", "state", "courier_id", "name", "lines", "remitted", "exceptions", "created_at",
    "committed_at",
)  # fmt: skip
LINES: Final = (
    "id", "line", "result", "tracking_number", "sender_reference", "remitted", "kept", "shortage",
    "cod_order_id", "suggestions", "closed_as", "resolution",
)  # fmt: skip
RESULTS: Final = ("result", "lines")

RemittanceId: TypeAlias = Annotated[str, typer.Argument(metavar="REMITTANCE", help="rem_…")]


class Closing(StrEnum):
    """Why a line is booked on no order, or why its missing amount is no longer expected."""

    NOT_OURS = "not_ours"
    GIVEN_BACK = "given_back"
    WRITTEN_OFF = "written_off"
    SETTLED = "settled"


@app.command("list")
def list_remittances(
    *,
    merchant: MerchantId,
    courier: Annotated[str, typer.Option(help="Filter by courier: cou_….")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
    as_json: AsJson = False,
) -> None:
    """List a merchant's remittances, newest first."""
    request = pb.ListRemittancesRequest(
        limit=limit, cursor=cursor or None, courier_id=courier or None
    )
    found = plain(ask(COD_REMITTANCES, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    rows = [with_amounts(each, each["currency"]) for each in found["data"]]
    output.print_table("Remittances", REMITTANCES, rows, empty="There are no remittances.")
    output.print_next_page(found.get("next_cursor", ""))


@app.command()
def show(*, remittance: RemittanceId, merchant: MerchantId, as_json: AsJson = False) -> None:
    """Show a remittance with the number of lines by result."""
    _shown(_remittance(remittance, merchant), as_json=as_json)


@app.command()
def lines(
    *,
    remittance: RemittanceId,
    merchant: MerchantId,
    exceptions: Annotated[
        bool, typer.Option("--exceptions", help="Only lines that need attention.")
    ] = False,
    limit: Limit = 20,
    cursor: Cursor = "",
    as_json: AsJson = False,
) -> None:
    """List the lines of a remittance, last line first."""
    request = pb.ListRemittanceLinesRequest(
        remittance_id=remittance,
        limit=limit,
        cursor=cursor or None,
        is_exception=exceptions or None,
    )
    found = plain(ask(COD_REMITTANCES, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    currency = _remittance(remittance, merchant)["currency"] if found["data"] else ""
    rows = [with_amounts(each, currency) for each in found["data"]]
    empty = "No line needs attention." if exceptions else "It has no lines."
    output.print_table("Lines", LINES, rows, empty=empty)
    output.print_next_page(found.get("next_cursor", ""))


@app.command()
def upload(
    *,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX.")],
    courier: Annotated[str, typer.Option(help="Courier that sent the file: cou_….")],
    merchant: MerchantId,
    tolerance: Annotated[
        int, typer.Option(min=0, max=100, help="Difference in cents to tolerate.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Read a courier's file and show what its lines pay for. Nothing is booked before `commit`."""
    request = pb.UploadRemittanceRequest(
        courier_id=courier,
        file=base64.b64encode(file.read_bytes()).decode(),
        name=file.name,
        tolerance_minor=tolerance,
    )
    with output.working(f"Reading and comparing {file.name}"):
        answer = ask(COD_REMITTANCES, request, merchant_id=merchant)
    _shown(plain(answer)["remittance"], as_json=as_json)


@app.command()
def commit(*, remittance: RemittanceId, merchant: MerchantId, as_json: AsJson = False) -> None:
    """Book all matching lines in one step. Committing again changes nothing."""
    request = pb.CommitRemittanceRequest(remittance_id=remittance)
    with output.working("Booking"):
        answer = ask(COD_REMITTANCES, request, merchant_id=merchant)
    _shown(plain(answer)["remittance"], as_json=as_json)


@app.command()
def resolve(
    *,
    remittance: RemittanceId,
    line: Annotated[str, typer.Argument(help="rml_…, as `lines` shows it.")],
    merchant: MerchantId,
    order: Annotated[str, typer.Option(help="Book it on this order: cod_….")] = "",
    parcel: Annotated[str, typer.Option(help="The order's parcel, if it has several.")] = "",
    close: Annotated[
        Closing | None, typer.Option(help="Or the reason why it is booked on no order.")
    ] = None,
    note: Annotated[str, typer.Option(help="How it was resolved; needed with --close.")] = "",
    as_json: AsJson = False,
) -> None:
    """Resolve a line that needs attention. Resolving again changes nothing."""
    request = pb.ResolveRemittanceLineRequest(
        remittance_id=remittance,
        remittance_line_id=line,
        cod_order_id=order or None,
        tracking_number=parcel or None,
        closed_as=_closing(close),
        resolution=note or None,
    )
    found = plain(ask(COD_REMITTANCES, request, merchant_id=merchant))["line"]
    if as_json:
        output.print_json(found)
        return
    currency = _remittance(remittance, merchant)["currency"]
    output.print_record("Line", with_amounts(found, currency))


def _closing(close: Closing | None) -> pb.RemittanceClosing.ValueType:
    return pb.RemittanceClosing.Value(
        f"REMITTANCE_CLOSING_{close.name if close else 'UNSPECIFIED'}"
    )


def _remittance(remittance: str, merchant: str) -> Mapping[str, Any]:
    request = pb.GetRemittanceRequest(remittance_id=remittance)
    found: Mapping[str, Any] = plain(ask(COD_REMITTANCES, request, merchant_id=merchant))[
        "remittance"
    ]
    return found


def _shown(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.print_json(found)
        return
    shown = with_amounts(found, found["currency"])
    results = [{"result": result, "lines": n} for result, n in shown.pop("results").items()]
    output.print_record("Remittance", shown)
    output.print_table("Results", RESULTS, results, empty="It has no lines.")
    if found["state"] == "previewed":
        output.print_hint(f"Nothing is booked yet: `incasso cod remittances commit {found['id']}`.")
    elif found["exceptions"]:
        output.print_hint(
            f"`incasso cod remittances lines {found['id']} --exceptions` shows the lines that need attention."
        )
