"""`incasso merchants`: create, list and show."""

from typing import Annotated

import typer

from cli import output
from cli.calls import MERCHANTS, ask
from cli.options import Cursor, Limit
from cli.output import AsJson
from cli.plain import plain
from incasso.merchants.v1 import merchants_pb2 as pb

app = typer.Typer(help="Merchants, the shops that use Incasso.", no_args_is_help=True)

COLUMNS = ("id", "name", "country", "default_currency", "plan", "test", "created_at")


@app.command()
def create(
    *,
    name: Annotated[str, typer.Argument(help="Name shown to shoppers.")],
    country: Annotated[str, typer.Option(help="ISO 3166-1 country.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 settlement currency.")],
    locale: Annotated[str, typer.Option(help="Language; by default the country's.")] = "",
    time_zone: Annotated[
        str,
        typer.Option(help="Time zone, fixed for good; by default that of the country's capital."),
    ] = "",
    plan: Annotated[str, typer.Option(help="basic, pro, enterprise.")] = "",
    contact: Annotated[str, typer.Option(help="E-mail address of its owner.")] = "",
    test: Annotated[bool, typer.Option("--test", help="No real money, and a test clock.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create a merchant with its first secret key (all scopes) and publishable key."""
    request = pb.CreateMerchantRequest(
        name=name,
        country=country.upper(),
        default_currency=currency.upper(),
        locale=locale,
        test=test,
        plan=plan or None,
        contact_email=contact or None,
        time_zone=time_zone or None,
    )
    made = plain(ask(MERCHANTS, request))
    if as_json:
        output.print_json(made)
        return
    output.print_record("Merchant created", made["merchant"])
    output.print_secrets(made["api_keys"])
    output.print_hint(
        f"Connect a PSP: incasso psp-accounts add NAME --merchant {made['merchant']['id']} --psp …"
    )


@app.command("list")
def list_(*, limit: Limit = 20, cursor: Cursor = "", as_json: AsJson = False) -> None:
    """List merchants, newest first."""
    request = pb.ListMerchantsRequest(limit=limit, cursor=cursor or None)
    page = plain(ask(MERCHANTS, request))
    if as_json:
        output.print_json(page)
        return
    output.print_table(
        "Merchants",
        COLUMNS,
        page["data"],
        empty="No merchants yet. `incasso merchants create` makes one.",
    )
    output.print_next_page(page.get("next_cursor", ""))


@app.command()
def show(
    *, merchant: Annotated[str, typer.Argument(help="mer_…")], as_json: AsJson = False
) -> None:
    """Show a merchant with its branding."""
    answer = plain(ask(MERCHANTS, pb.GetMerchantRequest(), merchant_id=merchant))
    if as_json:
        output.print_json(answer["merchant"])
    else:
        output.print_record("Merchant", answer["merchant"])


@app.command()
def contact(
    *,
    merchant: Annotated[str, typer.Argument(help="mer_…")],
    email: Annotated[str, typer.Argument(help="Address for warnings to its owner.")],
) -> None:
    """Set the address for warnings to the owner, e.g. about a changed bank account."""
    request = pb.SetContactEmailRequest(contact_email=email)
    answer = plain(ask(MERCHANTS, request, merchant_id=merchant))
    output.print_record("Contact set", answer["merchant"])


@app.command("stop-bank-account")
def stop_bank_account(*, merchant: Annotated[str, typer.Argument(help="mer_…")]) -> None:
    """Cancel the pending change of the bank account."""
    answer = plain(ask(MERCHANTS, pb.CancelBankAccountChangeRequest(), merchant_id=merchant))
    output.print_record("Change cancelled", answer["merchant"])
