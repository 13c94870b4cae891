"""`incasso plan`: a merchant's terms, quotes and plans of instalments."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from cli import output
from cli.calls import INSTALMENT_OFFERS, INSTALMENT_PLANS, ask
from cli.options import Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.instalments.v1 import instalments_pb2, plans_pb2
from libs.money import Money

app = typer.Typer(help="Instalments: terms, quotes and plans.", no_args_is_help=True)

TERMS: Final = (
    "id", "state", "name", "payments", "every", "currency", "from", "to", "interest", "created_at",
)  # fmt: skip
PLANS: Final = (
    "id", "state", "order_reference", "customer_id", "amount", "paid", "outstanding", "refunded",
    "written_off", "created_at",
)  # fmt: skip
PARTS: Final = ("number", "state", "due_on", "principal", "interest", "fee", "amount")
MORE_PARTS: Final = (
    *PARTS,
    "late_fee",
    "refunded",
    "refunding",
    "disputed",
    "lost",
    "payment_id",
    "paid_at",
)


@app.command()
def terms(*, merchant: MerchantId, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the terms that a merchant offers or has offered."""
    request = instalments_pb2.ListInstalmentTermsRequest(limit=limit)
    found = plain(ask(INSTALMENT_OFFERS, request, merchant_id=merchant))["data"]
    if as_json:
        output.print_json(found)
        return
    rows = [_terms(each) for each in found]
    output.print_table("Terms", TERMS, rows, empty="This merchant offers no terms.")


@app.command()
def quote(
    *,
    quote_id: Annotated[str, typer.Argument(metavar="QUOTE", help="iqt_…")],
    merchant: MerchantId,
    as_json: AsJson = False,
) -> None:
    """Show a quote with its schedule."""
    request = instalments_pb2.GetInstalmentQuoteRequest(quote_id=quote_id)
    found = plain(ask(INSTALMENT_OFFERS, request, merchant_id=merchant))["quote"]
    if as_json:
        output.print_json(found)
        return
    offer, currency = found.pop("offer"), found["amount"]["currency"]
    schedule = [with_amounts(part, currency) for part in offer.pop("schedule")]
    shown = {name: offer[name] for name in ("label", "taeg", "legal_class", "article", "regime")}
    output.print_record("Quote", {**with_amounts(found, currency), **shown})
    output.print_table("Schedule", PARTS, schedule, empty="")


@app.command("list")
def list_plans(*, merchant: MerchantId, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List a merchant's plans, newest first."""
    request = plans_pb2.ListInstalmentPlansRequest(limit=limit)
    found = plain(ask(INSTALMENT_PLANS, request, merchant_id=merchant))["data"]
    if as_json:
        output.print_json(found)
        return
    rows = [with_amounts(each, each["amount"]["currency"]) for each in found]
    output.print_table("Plans", PLANS, rows, empty="This merchant has no plans.")


@app.command()
def show(
    *,
    plan: Annotated[str, typer.Argument(help="pln_…")],
    merchant: MerchantId,
    as_json: AsJson = False,
) -> None:
    """Show a plan with its instalments."""
    request = plans_pb2.GetInstalmentPlanRequest(plan_id=plan)
    found = plain(ask(INSTALMENT_PLANS, request, merchant_id=merchant))["plan"]
    if as_json:
        output.print_json(found)
        return
    currency = found["amount"]["currency"]
    parts = [with_amounts(part, currency) for part in found.pop("instalments")]
    offer = found.pop("offer")
    shown = {name: offer[name] for name in ("label", "taeg", "legal_class", "regime")}
    output.print_record("Plan", {**with_amounts(found, currency), **shown})
    output.print_table("Instalments", MORE_PARTS, parts, empty="")


def _terms(record: Mapping[str, Any]) -> dict[str, Any]:
    every, currency = record["every"], record["currency"]
    return {
        **record,
        "every": f"{every['n']} {every['unit']}",
        "from": Money(record["min_amount_minor"], currency),
        "to": Money(record["max_amount_minor"], currency),
        "interest": f"{record['interest_basis_points'] / 100:.2f} %",
    }
