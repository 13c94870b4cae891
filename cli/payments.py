"""`incasso payments`: look at one payment, and at what nobody knows the outcome of."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli import output
from cli.calls import PAYMENTS, ask
from cli.options import Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain
from incasso.payments.v1 import payments_pb2 as pb
from libs.money import Money

app = typer.Typer(help="Payments, for looking into one.", no_args_is_help=True)

REFUNDS = ("id", "state", "amount", "reason", "created_at")
DISPUTES = ("id", "state", "amount", "reason", "created_at")
UNRESOLVED = (
    "id", "payment_id", "merchant_id", "kind", "psp_account", "amount_minor", "created_at",
    "recovery_tries",
)  # fmt: skip


@app.command()
def show(
    *,
    payment: Annotated[str, typer.Argument(help="pay_…")],
    merchant: MerchantId,
    as_json: AsJson = False,
) -> None:
    """Show a payment with its refunds and disputes."""
    request = pb.GetPaymentRequest(payment_id=payment)
    found = plain(ask(PAYMENTS, request, merchant_id=merchant))["payment"]
    if as_json:
        output.print_json(found)
        return
    currency = found["amount"]["currency"]
    refunds, disputes = found.pop("refunds"), found.pop("disputes")
    output.print_record("Payment", _with_amounts(found, currency))
    for title, columns, rows in (("Refunds", REFUNDS, refunds), ("Disputes", DISPUTES, disputes)):
        if rows:
            shown = [_with_amounts(row, currency) for row in rows]
            output.print_table(title, columns, shown, empty="")


def _with_amounts(record: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Amounts as people write them instead of minor units."""
    shown: dict[str, Any] = {}
    for name, value in record.items():
        if name.endswith("_minor"):
            shown[name.removesuffix("_minor")] = Money(value, currency)
        elif name == "amount":
            shown[name] = Money(value["amount_minor"], currency)
        else:
            shown[name] = value
    return shown


@app.command()
def unresolved(*, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List PSP calls whose outcome is unknown after a day of asking, oldest first."""
    page = plain(ask(PAYMENTS, pb.ListUnresolvedAttemptsRequest(limit=limit)))
    if as_json:
        output.print_json(page)
        return
    output.print_table(
        "Attempts without an outcome",
        UNRESOLVED,
        page["data"],
        empty="Every outcome is known.",
    )
    if page["data"]:
        output.print_hint("Look each id up at the PSP: it is the idempotency key of the call.")
