"""`incasso keys`: create, list, rotate and revoke the API keys of a merchant."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import output
from cli.calls import MERCHANTS, ask
from cli.options import Cursor, Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain
from incasso.merchants.v1 import merchants_pb2 as pb

app = typer.Typer(help="API keys of a merchant.", no_args_is_help=True)

COLUMNS = ("id", "kind", "state", "name", "scopes", "last4", "created_at", "expires_at")


class Kind(StrEnum):
    SECRET = "secret"  # noqa: S105 - the name of a kind
    PUBLISHABLE = "publishable"


KINDS = {Kind.SECRET: pb.ApiKey.KIND_SECRET, Kind.PUBLISHABLE: pb.ApiKey.KIND_PUBLISHABLE}
KeyId = Annotated[str, typer.Argument(help="key_…")]


@app.command()
def create(
    *,
    merchant: MerchantId,
    kind: Annotated[Kind, typer.Option(help="For servers or for browsers.")] = Kind.SECRET,
    name: Annotated[str, typer.Option(help="The merchant's own label.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help='E.g. payments:write; "*" is everything. Repeatable.')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key. A secret key needs at least one --scope."""
    request = pb.CreateApiKeyRequest(kind=KINDS[kind], name=name, scopes=scope or [])
    _show_made("Key created", ask(MERCHANTS, request, merchant_id=merchant), as_json=as_json)


@app.command("list")
def list_(
    *, merchant: MerchantId, limit: Limit = 20, cursor: Cursor = "", as_json: AsJson = False
) -> None:
    """List keys, newest first, without their secrets."""
    request = pb.ListApiKeysRequest(limit=limit, cursor=cursor or None)
    page = plain(ask(MERCHANTS, request, merchant_id=merchant))
    if as_json:
        output.print_json(page)
        return
    output.print_table("API keys", COLUMNS, page["data"], empty="This merchant has no keys.")
    output.print_next_page(page.get("next_cursor", ""))


@app.command()
def rotate(
    *,
    key: KeyId,
    merchant: MerchantId,
    overlap: Annotated[
        int, typer.Option(min=0, max=604_800, help="Seconds for which the old key keeps working.")
    ] = 3600,
    as_json: AsJson = False,
) -> None:
    """Replace a key with a new one of the same kind and scopes."""
    request = pb.RotateApiKeyRequest(api_key_id=key, overlap_seconds=overlap)
    _show_made("Key replaced", ask(MERCHANTS, request, merchant_id=merchant), as_json=as_json)


@app.command()
def revoke(
    *,
    key: KeyId,
    merchant: MerchantId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Revoke a key: requests with it are refused within seconds."""
    if not yes:
        typer.confirm(f"Revoke {key}? Requests with it are refused within seconds", abort=True)
    request = pb.RevokeApiKeyRequest(api_key_id=key)
    answer = plain(ask(MERCHANTS, request, merchant_id=merchant))
    if as_json:
        output.print_json(answer["api_key"])
    else:
        output.print_record("Key revoked", answer["api_key"])


def _show_made(title: str, answer: Any, *, as_json: bool) -> None:
    key = plain(answer)["api_key"]
    if as_json:
        output.print_json(key)
        return
    output.print_record(title, {name: key[name] for name in key if name != "secret"})
    output.print_secrets([key])
