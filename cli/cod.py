"""`incasso cod`: a merchant's couriers, the files that they send, what they owe, and the settings.

Their remittance files are in remittances.py, cash refunds in refunds.py.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli import output, refunds, remittances
from cli.calls import COD_FILES, COD_OFFERS, COD_REMITTANCES, ask
from cli.options import Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.cod.v1 import cod_pb2, files_pb2, remittances_pb2
from libs.money import Money

app = typer.Typer(
    help="Cash on delivery: couriers, their files, what they owe and remit, and settings.",
    no_args_is_help=True,
)

app.add_typer(remittances.app, name="remittances")
app.add_typer(refunds.app, name="refunds")

COURIERS: Final = (
    "id", "state", "name", "currency", "cut", "up_to", "modes", "remittance_days", "created_at",
)  # fmt: skip
MODES: Final = ("mode", "code", "max_collect")
ZONES: Final = ("country", "postcodes", "excluded_postcodes")
TIERS: Final = ("from", "fixed", "share")
AGEING: Final = (
    "courier_id", "courier", "parcels", "open", "days_0_to_7", "days_8_to_15", "days_16_to_30",
    "days_over_30", "overdue", "short",
)  # fmt: skip
EXCEPTIONS: Final = (
    "order_reference", "cod_order_id", "outcome", "acknowledged", "to_collect",
)  # fmt: skip
FILES: Final = {  # a courier's files, by the field that describes their columns
    "Manifests": "manifest_columns",
    "Event files": "event_columns",
    "Remittance files": "remittance_columns",
}
LARGEST_FILE: Final = 740_000  # bytes; base64 makes the upload a third larger

CourierFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX.")]
FileOf = Annotated[str, typer.Option("--courier", help="Courier that sent the file: cou_….")]


@app.command()
def couriers(*, merchant: MerchantId, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List a merchant's couriers, newest first."""
    found = plain(ask(COD_OFFERS, cod_pb2.ListCouriersRequest(limit=limit), merchant_id=merchant))
    if as_json:
        output.print_json(found["data"])
        return
    rows = [_courier(each) for each in found["data"]]
    output.print_table("Couriers", COURIERS, rows, empty="This merchant has no couriers.")


@app.command()
def courier(
    *,
    courier_id: Annotated[str, typer.Argument(metavar="COURIER", help="cou_…")],
    merchant: MerchantId,
    as_json: AsJson = False,
) -> None:
    """Show a courier with its modes and zones."""
    found = _asked(courier_id, merchant)
    if as_json:
        output.print_json(found)
        return
    modes = [with_amounts(mode, found["currency"]) for mode in found["modes"]]
    zones = found["zones"]
    layouts = {title: found.pop(name, {}) for title, name in FILES.items()}
    shown = {name: value for name, value in _courier(found).items() if name != "zones"}
    output.print_record("Courier", shown)
    output.print_table("Modes", MODES, modes, empty="")
    output.print_table("Zones", ZONES, zones, empty="It collects everywhere.")
    for title, columns in layouts.items():
        if columns:
            output.print_record(title, _layout(columns))


@app.command()
def settings(*, merchant: MerchantId, as_json: AsJson = False) -> None:
    """Show a merchant's settings for cash on delivery, and who has read the warning about a fee."""
    request = cod_pb2.GetCodSettingsRequest()
    found = plain(ask(COD_OFFERS, request, merchant_id=merchant))["settings"]
    if as_json:
        output.print_json(found)
        return
    currency, fee = found["currency"], found.pop("fee")
    read = found.pop("fee_acknowledgement", {})
    del found["fee_warning"]
    carts = with_amounts(found.pop("carts"), currency)
    deposit = found.pop("deposit")
    shown = {
        **found,
        **carts,
        "deposit": _part(deposit, currency),
        "deposit_from": Money(deposit["from_minor"], currency),
        "fee_vat": _percent(fee["vat_basis_points"]),
        **read,
    }
    output.print_record("Settings", shown)
    tiers = [_tier(each, currency) for each in fee["tiers"]]
    output.print_table("Fee", TIERS, tiers, empty="Shoppers pay no fee.")


@app.command()
def ageing(*, merchant: MerchantId, as_json: AsJson = False) -> None:
    """Show what couriers have collected and not passed on, by days since collection."""
    request = remittances_pb2.GetCodAgeingRequest()
    found = plain(ask(COD_REMITTANCES, request, merchant_id=merchant))["data"]
    if as_json:
        output.print_json(found)
        return
    rows = [with_amounts(each, each["currency"]) for each in found]
    output.print_table("Ageing", AGEING, rows, empty="No courier owes this merchant anything.")


@app.command()
def manifest(
    *,
    file: CourierFile,
    courier: FileOf,
    merchant: MerchantId,
    as_json: AsJson = False,
) -> None:
    """Record the amounts to collect from a courier's manifest; orders with matching amounts can be
    dispatched.
    """
    request = files_pb2.UploadManifestRequest(courier_id=courier, file=_base64(file))
    found = plain(ask(COD_FILES, request, merchant_id=merchant))["manifest"]
    if as_json:
        output.print_json(found)
        return
    exceptions, currency = found.pop("exceptions"), _asked(courier, merchant)["currency"]
    output.print_record("Manifest", {**found, "outcomes": _counted(found["outcomes"])})
    rows = [with_amounts(each, currency) for each in exceptions]
    output.print_table(
        "Not to be dispatched", EXCEPTIONS, rows, empty="Every order can be dispatched."
    )


@app.command()
def events(
    *,
    file: CourierFile,
    courier: FileOf,
    merchant: MerchantId,
    as_json: AsJson = False,
) -> None:
    """Record the events in a courier's file; uploading the same file again changes nothing."""
    request = files_pb2.UploadEventFileRequest(courier_id=courier, file=_base64(file))
    found = plain(ask(COD_FILES, request, merchant_id=merchant))["event_file"]
    if as_json:
        output.print_json(found)
        return
    output.print_record("Events", {**found, "outcomes": _counted(found["outcomes"])})


def _base64(file: Path) -> str:
    """Ends the command if the file is too large to send."""
    if file.stat().st_size > LARGEST_FILE:
        output.fail(
            f"{file.name} is larger than {LARGEST_FILE} bytes.",
            next_step="Split it, or compress it with gzip.",
        )
    return base64.b64encode(file.read_bytes()).decode()


def _counted(outcomes: Mapping[str, int]) -> list[str]:
    return [f"{outcome}: {count}" for outcome, count in sorted(outcomes.items())]


def _layout(columns: dict[str, Any]) -> dict[str, Any]:
    """The columns, with each word shown next to its meaning."""
    words = [
        f"{word['text']}: {word.get('meaning') or word.get('kind') or 'ignored'}"
        for word in columns.get("words", [])
    ]
    return {**columns, "words": words} if words else columns


def _asked(courier_id: str, merchant: str) -> dict[str, Any]:
    request = cod_pb2.GetCourierRequest(courier_id=courier_id)
    found: dict[str, Any] = plain(ask(COD_OFFERS, request, merchant_id=merchant))["courier"]
    return found


def _courier(record: Mapping[str, Any]) -> dict[str, Any]:
    currency = record["currency"]
    up_to = record.get("max_collect_minor")
    return {
        **{name: value for name, value in record.items() if name != "max_collect_minor"},
        "cut": _cut(record["cut"], currency),
        "up_to": "" if up_to is None else Money(up_to, currency),
        "modes": [mode["mode"] for mode in record["modes"]],
    }


def _cut(cut: Mapping[str, Any], currency: str) -> str:
    """`3.00 % + 1.00 EUR, at least 3.00 EUR, at most 25.00 EUR`."""
    text = _part(cut, currency)
    if cut["minimum_minor"]:
        text += f", at least {Money(cut['minimum_minor'], currency)}"
    if "maximum_minor" in cut:
        text += f", at most {Money(cut['maximum_minor'], currency)}"
    return text


def _tier(tier: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        "from": Money(tier["from_minor"], currency),
        "fixed": Money(tier["fixed_minor"], currency),
        "share": _percent(tier["basis_points"]),
    }


def _part(of: Mapping[str, Any], currency: str) -> str:
    """A percentage plus a fixed amount."""
    return f"{_percent(of['basis_points'])} + {Money(of['fixed_minor'], currency)}"


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:.2f} %"
