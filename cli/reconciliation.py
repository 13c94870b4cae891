"""`incasso reconciliation`: imports files of banks and PSPs, compares them with Incasso's records,
and shows what matches, what does not, and who has changed what.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, DownloadColumn

from cli import exceptions, output
from cli.calls import IMPORTS, RECONCILIATION, ask, upload
from cli.options import Cursor, Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.reporting.v1 import imports_pb2 as pb
from incasso.reporting.v1 import reconciliation_pb2 as runs
from libs.errors import RemoteRefusal

app = typer.Typer(
    help="Reconciliation: import files from banks and PSPs, and resolve what does not match.",
    no_args_is_help=True,
)

PIECE_BYTES: Final = 256 * 1024
REFUSED: Final = "statement_refused"
LINES: Final = ("stl_", "bln_")  # prefixes of PSPs' and banks' lines
COLUMNS: Final = ("file", "id", "format", "statements", "lines", "known_lines", "not_booked")


MATCHES: Final = (
    "id", "rule", "stage", "party", "amount", "difference", "order_reference", "ours_id", "theirs_id",
    "matched_by", "created_at",
)  # fmt: skip
SOURCES: Final = (
    "party", "tolerance_minor", "late_after_days", "fee_basis_points", "fee_fixed_minor", "acquirer",
    "tax_code", "updated_at",
)  # fmt: skip
AUDIT: Final = ("number", "created_at", "actor", "action", "subject_id", "before", "after")

app.command("exceptions")(exceptions.list_exceptions)
app.command("show")(exceptions.show)
app.command("assign")(exceptions.assign)
app.command("resolve")(exceptions.resolve)


@app.command("import")
def import_files(
    *,
    files: Annotated[list[Path], typer.Argument(help="Files from banks or PSPs.")],
    merchant: MerchantId,
    psp_account: Annotated[
        str, typer.Option(help="Name of the PSP account that a PSP's report covers.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Import statements (CAMT, MT940) and reports (Stripe, PayPal): each as a whole, once, or not at all.

    Exits with 1 when one was refused; the others are imported all the same.
    """
    wrong = [file for file in files if not file.is_file()]
    if wrong:
        output.fail(
            f"{wrong[0].name}: {'is not a file' if wrong[0].exists() else 'does not exist'}."
        )
    found = [_imported(file, merchant, psp_account) for file in files]
    if as_json:
        output.print_json(found)
    else:
        _print(found)
    if any("refused" in each for each in found):
        raise typer.Exit(output.REFUSED)


@app.command()
def run(*, merchant: MerchantId, as_json: AsJson = False) -> None:
    """Match what is open, and list the rest as exceptions. Also happens after each import and once
    a day.
    """
    with output.working("matching"):
        answer = ask(RECONCILIATION, runs.RunReconciliationRequest(), merchant_id=merchant)
    found = plain(answer)
    if as_json:
        output.print_json(found)
        return
    rules = ("stage", "rule", "matched")
    output.print_table("Matched", rules, found["by_rule"], empty="Nothing new matches.")
    output.print_table("Open", ("type", "open"), found["by_type"], empty="Everything matches.")
    if found["by_type"]:
        output.print_hint("`incasso reconciliation exceptions` lists them.")


@app.command()
def matches(
    *,
    merchant: MerchantId,
    item: Annotated[
        str, typer.Option(help="Filter by item: evt_…, pyo_…, or a line, stl_… or bln_….")
    ] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
    as_json: AsJson = False,
) -> None:
    """List matches, newest first, each with the rule that made it."""
    request = runs.ListMatchesRequest(limit=limit, cursor=cursor or None)
    if item:
        setattr(request, "theirs_id" if item.startswith(LINES) else "ours_id", item)
    found = plain(ask(RECONCILIATION, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    rows = [with_amounts(each, each["currency"]) for each in found["data"]]
    output.print_table("Matches", MATCHES, rows, empty="Nothing is matched.")
    output.print_next_page(found.get("next_cursor", ""))


@app.command()
def sources(*, merchant: MerchantId, as_json: AsJson = False) -> None:
    """List the terms of PSP accounts and couriers: tolerance, days until late, agreed fee."""
    request = runs.ListReconciliationSourcesRequest()
    found = plain(ask(RECONCILIATION, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
    else:
        empty = (
            "All sources have the default terms, no tolerance and 7 days."
            " `incasso reconciliation terms` changes them."
        )
        output.print_table("Sources", SOURCES, found["data"], empty=empty)


@app.command()
def terms(
    *,
    party: Annotated[str, typer.Argument(help="Name of the PSP account, or cou_….")],
    merchant: MerchantId,
    tolerance_minor: Annotated[int, typer.Option(help="Largest difference that matches.")] = 0,
    late_after_days: Annotated[
        int, typer.Option(help="Days until an item is missing or late.")
    ] = 7,
    fee_basis_points: Annotated[
        int | None, typer.Option(help="Agreed fee in basis points; checked if both parts are set.")
    ] = None,
    fee_fixed_minor: Annotated[
        int | None, typer.Option(help="Fixed part of the agreed fee.")
    ] = None,
    acquirer: Annotated[
        str, typer.Option(help="Name of the acquirer, for the till register.")
    ] = "",
    tax_code: Annotated[str, typer.Option(help="Tax code of the acquirer.")] = "",
    as_json: AsJson = False,
) -> None:
    """Set the terms of a PSP account or courier; replaces the current ones."""
    request = runs.PutReconciliationSourceRequest(
        party=party,
        tolerance_minor=tolerance_minor,
        late_after_days=late_after_days,
        fee_basis_points=fee_basis_points,
        fee_fixed_minor=fee_fixed_minor,
        acquirer=acquirer or None,
        tax_code=tax_code or None,
    )
    answer = plain(ask(RECONCILIATION, request, merchant_id=merchant))
    if as_json:
        output.print_json(answer["source"])
    else:
        output.print_record("Terms", answer["source"])


@app.command()
def audit(
    *,
    merchant: MerchantId,
    subject: Annotated[str, typer.Option(help="Filter by subject, e.g. exc_….")] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Check the chain of hashes; fails if it is broken.")
    ] = False,
    limit: Limit = 20,
    cursor: Cursor = "",
    as_json: AsJson = False,
) -> None:
    """List who has changed what, newest first."""
    if check:
        _check_audit(merchant, as_json=as_json)
        return
    request = runs.ListAuditRecordsRequest(
        limit=limit, cursor=cursor or None, subject_id=subject or None
    )
    found = plain(ask(RECONCILIATION, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    output.print_table("Audit log", AUDIT, found["data"], empty="No changes yet.")
    output.print_next_page(found.get("next_cursor", ""))


def _check_audit(merchant: str, *, as_json: bool) -> None:
    found = plain(ask(RECONCILIATION, runs.CheckAuditLogRequest(), merchant_id=merchant))
    broken = found.get("first_broken")
    if as_json:
        output.print_json(found)
    elif broken is not None:
        output.complain(f"Record {broken} of the audit log was changed, or one before it removed.")
        output.print_hint("Compare the table audit_records with a backup from that record on.")
    else:
        output.console().print(f"{found['records']} records, none of them changed.")
    if broken is not None:
        raise typer.Exit(output.REFUSED)


def _imported(file: Path, merchant: str, psp_account: str) -> dict[str, Any]:
    request = pb.ImportStatementRequest(name=file.name, psp_account=psp_account or None)
    with output.progress(BarColumn(), DownloadColumn()) as bar:
        task = bar.add_task(f"sending {file.name}", total=file.stat().st_size)

        async def pieces() -> AsyncIterator[bytes]:
            with file.open("rb") as opened:
                while piece := opened.read(PIECE_BYTES):
                    yield piece
                    bar.advance(task, len(piece))
            bar.update(task, description=f"importing {file.name}")

        try:
            answer = upload(IMPORTS, request, pieces(), merchant_id=merchant, unless=REFUSED)
        except RemoteRefusal as refusal:
            line = int(refusal.facts.get("refused_line", 0))
            reason = refusal.facts.get("refused_reason", refusal.message)
            return {"file": file.name, "refused": {"line": line, "reason": reason}}
        except OSError as error:
            output.fail(f"{file.name}: {error.strerror}.")
    return {"file": file.name, "import": plain(answer)["import"]}


def _print(found: list[dict[str, Any]]) -> None:
    rows = [{"file": each["file"], **each["import"]} for each in found if "import" in each]
    if rows:
        output.print_table("Imported", COLUMNS, rows, empty="")
    for each in found:
        if refused := each.get("refused"):
            where = f"line {refused['line']}: " if refused["line"] else ""
            output.complain(f"{each['file']}: {where}{refused['reason']}.")
