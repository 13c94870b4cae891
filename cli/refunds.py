"""`incasso cod refunds`: cash refunds, and the files for the merchant's bank to pay them."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli import output
from cli.calls import COD_REFUNDS, ask
from cli.options import Cursor, Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.cod.v1 import refunds_pb2 as pb
from libs import ids

app = typer.Typer(
    help="Cash refunds: list them, and write a file for the bank.", no_args_is_help=True
)

REFUNDS: Final = (
    "id", "state", "order_reference", "amount", "account", "failure", "export_id", "created_at",
)  # fmt: skip


class State(StrEnum):
    """State of a refund."""

    REQUESTED = "requested"
    READY = "ready"
    EXPORTED = "exported"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


@app.command("list")
def list_refunds(
    *,
    merchant: MerchantId,
    state: Annotated[State | None, typer.Option(help="Filter by state.")] = None,
    limit: Limit = 20,
    cursor: Cursor = "",
    as_json: AsJson = False,
) -> None:
    """List a merchant's cash refunds, newest first; accounts are masked."""
    asked = None if state is None else pb.CodRefund.State.Value(f"STATE_{state.name}")
    request = pb.ListCodRefundsRequest(limit=limit, cursor=cursor or None, state=asked)
    found = plain(ask(COD_REFUNDS, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    rows = [_refund(each) for each in found["data"]]
    output.print_table("Cash refunds", REFUNDS, rows, empty="There are no cash refunds.")
    output.print_next_page(found.get("next_cursor", ""))


@app.command()
def export(
    *,
    merchant: MerchantId,
    to: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder to write to.")],
    on: Annotated[str, typer.Option(help="Execution date, e.g. 2027-01-31.")] = "",
    most: Annotated[int, typer.Option(min=1, max=500, help="Maximum number of refunds.")] = 500,
    key: Annotated[
        str, typer.Option(help="Idempotency key, to retry a call that got no answer.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Write all ready refunds into a file for the merchant's bank (pain.001.001.09). Each refund
    goes into only one file.
    """
    request = pb.CreateCodRefundExportRequest(execution_on=on or None, max_refunds=most)
    answer = ask(COD_REFUNDS, request, merchant_id=merchant, idempotency_key=key or ids.new("key"))
    _write(plain(answer)["export"], to, merchant, as_json=as_json)


@app.command()
def file(
    *,
    export_id: Annotated[str, typer.Argument(metavar="EXPORT", help="cre_…")],
    merchant: MerchantId,
    to: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder to write to.")],
    as_json: AsJson = False,
) -> None:
    """Write an existing file again, byte for byte the same. Submit it to the bank only once."""
    request = pb.GetCodRefundExportRequest(cod_refund_export_id=export_id)
    found = plain(ask(COD_REFUNDS, request, merchant_id=merchant))["export"]
    _write(found, to, merchant, as_json=as_json)


def _write(found: Mapping[str, Any], to: Path, merchant: str, *, as_json: bool) -> None:
    """Writes the file, readable only by its user: it names people and their accounts."""
    request = pb.GetCodRefundFileRequest(cod_refund_export_id=found["id"])
    answer = ask(COD_REFUNDS, request, merchant_id=merchant)
    path = to / answer.name
    path.touch(mode=0o600)
    path.write_bytes(answer.xml.encode())
    if as_json:
        output.print_json({**found, "file": str(path)})
        return
    states = [f"{times} {state}" for state, times in found["states"].items()]
    shown = with_amounts({**found, "states": states}, found["amount"]["currency"])
    output.print_record("File for the bank", {**shown, "file": str(path)})


def _refund(found: Mapping[str, Any]) -> dict[str, Any]:
    account = found.get("account", {})
    shown = with_amounts(found, found["amount"]["currency"])
    return {**shown, "account": " ".join(account.values())}
