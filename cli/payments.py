"""`incasso payments`: look into a payment, and settle calls with an unknown outcome."""

import getpass
from enum import StrEnum
from typing import Annotated

import typer

from cli import output
from cli.calls import PAYMENTS, ask
from cli.options import Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.payments.v1 import payments_pb2 as pb

app = typer.Typer(help="Payments: look into one, or settle an attempt.", no_args_is_help=True)

REFUNDS = ("id", "state", "amount", "reason", "created_at")
DISPUTES = ("id", "state", "amount", "reason", "created_at")
UNRESOLVED = (
    "id", "payment_id", "merchant_id", "kind", "psp_account", "amount_minor", "created_at",
    "recovery_tries",
)  # fmt: skip
ACTIONS = ("acted_at", "operator", "attempt_id", "outcome", "note", "payment_id", "merchant_id")


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
    output.print_record("Payment", with_amounts(found, currency))
    for title, columns, rows in (("Refunds", REFUNDS, refunds), ("Disputes", DISPUTES, disputes)):
        if rows:
            shown = [with_amounts(row, currency) for row in rows]
            output.print_table(title, columns, shown, empty="")


@app.command()
def unresolved(*, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List PSP calls whose outcome is still unknown after a day, oldest first."""
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
        output.print_hint(
            "Look up each id at the PSP: it is the idempotency key of the call. Record what you find"
            " with `incasso payments settle-attempt`."
        )


class Found(StrEnum):
    """The outcome found at the PSP."""

    DONE = "done"
    NOT_DONE = "not-done"


@app.command("settle-attempt")
def settle_attempt(
    *,
    attempt: Annotated[str, typer.Argument(help="att_… or ref_…, as `unresolved` lists it.")],
    merchant: MerchantId,
    found: Annotated[Found, typer.Option("--as", help="What you found at the PSP.")],
    note: Annotated[str, typer.Option(help="What you found, for the record.")],
    operator: Annotated[
        str, typer.Option(help="Who checked; by default your login.", envvar="INCASSO_OPERATOR")
    ] = "",
    psp_reference: Annotated[
        str, typer.Option(help="The PSP's own id of the operation, if it shows one.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Settle a PSP call whose outcome the PSP does not report, with what you found there. The action
    is recorded.
    """
    request = pb.SettleAttemptRequest(
        attempt_id=attempt,
        outcome=pb.SettleAttemptRequest.Outcome.Value(f"OUTCOME_{found.name}"),
        operator=operator or getpass.getuser(),
        note=note,
        psp_reference=psp_reference,
    )
    payment = plain(ask(PAYMENTS, request, merchant_id=merchant))["payment"]
    if as_json:
        output.print_json(payment)
        return
    output.console().print(f"{attempt} is settled as {found.value}.")
    output.console().print(f"The payment {payment['id']} is {payment['state']}.")


@app.command()
def actions(*, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List what operators settled by hand, newest first."""
    page = plain(ask(PAYMENTS, pb.ListOperatorActionsRequest(limit=limit)))
    if as_json:
        output.print_json(page)
        return
    output.print_table("Settled by hand", ACTIONS, page["data"], empty="Nothing yet.")
