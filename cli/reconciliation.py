"""`incasso reconciliation`: imports files of banks and PSPs, showing its progress."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from cli import output
from cli.calls import IMPORTS, upload
from cli.options import MerchantId
from cli.output import AsJson
from cli.plain import plain
from incasso.reporting.v1 import imports_pb2 as pb
from libs.errors import RemoteRefusal

app = typer.Typer(
    help="Reconciliation: import what banks and PSPs say.",
    no_args_is_help=True,
)

PIECE_BYTES: Final = 256 * 1024
REFUSED: Final = "statement_refused"
COLUMNS: Final = ("file", "id", "format", "statements", "lines", "known_lines", "not_booked")


@app.callback()  # lets the only subcommand keep its name
def reconciliation() -> None:
    """Import files of banks and PSPs."""


@app.command("import")
def import_files(
    *,
    files: Annotated[list[Path], typer.Argument(help="Files of banks or PSPs.")],
    merchant: MerchantId,
    psp_account: Annotated[
        str, typer.Option(help="PSP account that a PSP's report is of, by its name.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Import statements (CAMT, MT940) and reports (Stripe, PayPal): each as a whole, once, or not at all.

    Exits with 1 when one was refused; the others are imported all the same.
    """
    wrong = [file for file in files if not file.is_file()]
    if wrong:
        output.fail(f"{wrong[0].name}: {'is no file' if wrong[0].exists() else 'does not exist'}.")
    found = [_imported(file, merchant, psp_account) for file in files]
    if as_json:
        output.print_json(found)
    else:
        _print(found)
    if any("refused" in each for each in found):
        raise typer.Exit(output.REFUSED)


def _imported(file: Path, merchant: str, psp_account: str) -> dict[str, Any]:
    request = pb.ImportStatementRequest(name=file.name, psp_account=psp_account or None)
    with _progress() as bar:
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


def _progress() -> Progress:
    """On standard error, and only on a terminal."""
    console = output.console(errors=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _print(found: list[dict[str, Any]]) -> None:
    rows = [{"file": each["file"], **each["import"]} for each in found if "import" in each]
    if rows:
        output.print_table("Imported", COLUMNS, rows, empty="")
    for each in found:
        if refused := each.get("refused"):
            where = f"line {refused['line']}: " if refused["line"] else ""
            output.complain(f"{each['file']}: {where}{refused['reason']}.")
