"""`incasso psp-accounts`: the accounts of a merchant at its PSPs."""

from typing import Annotated

import typer

from cli import output
from cli.calls import PAYMENTS, ask
from cli.options import MerchantId
from cli.output import AsJson
from cli.plain import plain
from incasso.payments.v1 import payments_pb2 as pb

app = typer.Typer(help="A merchant's accounts at payment service providers.", no_args_is_help=True)

COLUMNS = ("id", "name", "psp", "publishable_key", "field_url", "created_at")


@app.command()
def add(
    *,
    name: Annotated[str, typer.Argument(help="The merchant's name for it, e.g. stripe-eu.")],
    merchant: MerchantId,
    psp: Annotated[str, typer.Option(help="sandbox or stripe.")],
    credentials: Annotated[
        str, typer.Option(help="Name of the credentials file without .json; by default NAME.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Add an account. Its credentials file must be available to the payments service."""
    request = pb.CreatePspAccountRequest(name=name, psp=psp, credentials=credentials or name)
    account = plain(ask(PAYMENTS, request, merchant_id=merchant))["psp_account"]
    if as_json:
        output.print_json(account)
        return
    output.print_record("PSP account added", account)
    output.print_hint(
        f"Register this webhook URL at the PSP: <gateway>/webhooks/psp/{account['id']}"
    )


@app.command("list")
def list_(*, merchant: MerchantId, as_json: AsJson = False) -> None:
    """List accounts in order of creation."""
    page = plain(ask(PAYMENTS, pb.ListPspAccountsRequest(), merchant_id=merchant))
    if as_json:
        output.print_json(page)
        return
    output.print_table(
        "PSP accounts",
        COLUMNS,
        page["data"],
        empty="This merchant has no PSP account. `incasso psp-accounts add` adds one.",
    )
