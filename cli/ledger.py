"""`incasso ledger`: shows a merchant's books, and checks or rebuilds the whole ledger from the
event log.

Checking and rebuilding are jobs of reporting that run as the owner of its database; this command
shows their progress.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli import output
from cli.calls import LEDGER, ask
from cli.options import Cursor, Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain, with_amounts
from incasso.reporting.v1 import ledger_pb2 as pb

app = typer.Typer(
    help="The ledger: balances, entries and months of a merchant; check or rebuild all of it.",
    no_args_is_help=True,
)

DIFFERENT: Final = 1
BUSY: Final = 2
BALANCES: Final = ("account", "party", "currency", "debit", "credit", "balance")
STATEMENT: Final = (
    "booked_on", "kind", "amount", "balance", "payment_id", "order_reference", "id",
)  # fmt: skip
ENTRIES: Final = (
    "booked_on", "kind", "account", "party", "debit", "credit", "payment_id", "order_reference", "id",
)  # fmt: skip
PERIODS: Final = ("month", "state", "closed_at", "closed_by")
COLUMNS: Final = ("merchant_id", "table", "key", "kind", "live", "rebuilt")
Patience = Annotated[
    float, typer.Option(min=0, help="Seconds to wait until the latest events are booked.")
]


@app.command()
def balance(
    *,
    merchant: MerchantId,
    on: Annotated[str, typer.Option(help="Last day to include, e.g. 2026-11-30.")] = "",
    currency: Annotated[str, typer.Option(help="Only this currency.")] = "",
    by_party: Annotated[
        bool, typer.Option("--by-party", help="Split by PSP account and courier.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a merchant's trial balance."""
    request = pb.GetTrialBalanceRequest(
        on=on or None, currency=currency.upper() or None, by_party=by_party
    )
    found = plain(ask(LEDGER, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    totals = [{"account": "all", **row} for row in found["totals"]]
    rows = [with_amounts(row, row["currency"]) for row in (*found["data"], *totals)]
    output.print_table("Trial balance", BALANCES, rows, empty="Nothing is booked.")


@app.command()
def periods(*, merchant: MerchantId, as_json: AsJson = False) -> None:
    """List a merchant's months, newest first."""
    found = plain(ask(LEDGER, pb.ListPeriodsRequest(), merchant_id=merchant))
    if as_json:
        output.print_json(found)
    else:
        output.print_table("Months", PERIODS, found["data"], empty="Nothing is booked.")


@app.command()
def close(
    *,
    merchant: MerchantId,
    month: Annotated[str, typer.Argument(help="The month, e.g. 2026-10.")],
    as_json: AsJson = False,
) -> None:
    """Close a month and all months before it: their later events are booked in the first open
    month.
    """
    answer = plain(ask(LEDGER, pb.ClosePeriodRequest(month=month), merchant_id=merchant))
    if as_json:
        output.print_json(answer["period"])
    else:
        output.print_record("Closed", answer["period"])


@app.command()
def statement(
    *,
    account: Annotated[str, typer.Argument(help="The account, e.g. psp_receivable.")],
    merchant: MerchantId,
    currency: Annotated[str, typer.Option(help="The currency.")] = "EUR",
    party: Annotated[str, typer.Option(help="Only this PSP account or courier.")] = "",
    since: Annotated[str, typer.Option("--from", help="First day, e.g. 2026-11-01.")] = "",
    until: Annotated[str, typer.Option("--to", help="Last day, e.g. 2026-11-30.")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
    as_json: AsJson = False,
) -> None:
    """Show an account's entries, newest first, each with the balance after it."""
    request = pb.GetAccountStatementRequest(
        account=account,
        currency=currency.upper(),
        party=party or None,
        booked_from=since or None,
        booked_to=until or None,
        limit=limit,
        cursor=cursor or None,
    )
    found = plain(ask(LEDGER, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    rows = [with_amounts(row, currency.upper()) for row in found["data"]]
    empty = "Nothing is booked; `incasso ledger balance` shows the accounts in use."
    output.print_table(f"Statement of {account}", STATEMENT, rows, empty=empty)
    output.print_next_page(found.get("next_cursor", ""))


@app.command()
def entries(
    *,
    merchant: MerchantId,
    payment: Annotated[str, typer.Option(help="Filter by payment: pay_….")] = "",
    order: Annotated[str, typer.Option(help="Filter by order reference.")] = "",
    event: Annotated[str, typer.Option(help="Filter by event: evt_….")] = "",
    trace: Annotated[str, typer.Option(help="Filter by trace id.")] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
    as_json: AsJson = False,
) -> None:
    """List journal entries, newest first, line by line."""
    request = pb.ListJournalEntriesRequest(
        limit=limit,
        cursor=cursor or None,
        event_id=event or None,
        payment_id=payment or None,
        order_reference=order or None,
        trace_id=trace or None,
    )
    found = plain(ask(LEDGER, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    output.print_table("Entries", ENTRIES, entry_lines(found["data"]), empty="No entry matches.")
    output.print_next_page(found.get("next_cursor", ""))


def entry_lines(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row per line of each entry."""
    return [
        {**entry, **with_amounts(line, entry["currency"])}
        for entry in found
        for line in entry["lines"]
    ]


@app.command()
def check(*, patience: Patience = 60.0, as_json: AsJson = False) -> None:
    """Rebuild the ledger next to the live one and compare the two row by row; fails if they differ.

    Reads INCASSO_<SERVICE>_DATABASE_URL for reporting, with its owner's role (or
    INCASSO_DATABASE_URL); for payments, paylink, instalments and cod, whose events are booked; and
    for merchants, which sets the time zones.
    """
    code, result = _job("check", f"--patience={patience}")
    if as_json:
        output.print_json(result)
    elif code:
        _show(result)
        output.fail(
            "The ledger differs from the events.",
            next_step="If reporting missed events: `incasso events replay`. Otherwise: `incasso ledger rebuild`.",
        )
    else:
        output.console().print(f"{result['entries']} entries, all as in the events.")
    raise typer.Exit(code)


@app.command()
def rebuild(
    *,
    drop_unknown: Annotated[
        bool,
        typer.Option("--drop-unknown", help="Even if this removes entries that no event explains."),
    ] = False,
    patience: Patience = 60.0,
    as_json: AsJson = False,
) -> None:
    """Replace the ledger with what the events say, in one transaction. Reads the same settings as
    `check`.
    """
    more = ["--drop-unknown"] if drop_unknown else []
    code, result = _job("rebuild", f"--patience={patience}", *more)
    if as_json:
        output.print_json(result)
    else:
        _show(result)
        if not result["replaced"]:
            output.fail(
                "The ledger has entries that no event explains: it was not replaced.",
                next_step="Does every event log belong to this installation? Then repeat with --drop-unknown.",
            )
        output.console().print(f"The ledger has {result['entries']} entries, all from the events.")
    raise typer.Exit(code)


def _show(result: dict[str, Any]) -> None:
    counts = [f"{count} {kind}" for kind, count in result["differences"].items()]
    rows = [{**row, **_sides(row)} for row in result["first"]]
    title = f"Differences: {', '.join(counts)}"
    output.print_table(title, COLUMNS, rows, empty="The ledger already agreed with the events.")


def _sides(row: dict[str, Any]) -> dict[str, str]:
    """The differing fields of rows that exist on both sides."""
    live, rebuilt = row["live"], row["rebuilt"]
    names = [name for name in live or () if live and rebuilt and live[name] != rebuilt[name]]
    if not names:
        return {"live": "there" if live else "none", "rebuilt": "there" if rebuilt else "none"}
    return {
        side: ", ".join(f"{name} {row[side][name]}" for name in names)
        for side in ("live", "rebuilt")
    }


def _job(name: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The job's exit code and result; ends the command if there is no result."""
    command = [sys.executable, "-m", "services.reporting", name, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_env()) as job:
        assert job.stdout is not None
        result = _follow(job.stdout)
        code = job.wait()
    if code == BUSY:
        output.fail("Another check or rebuild is running.", next_step="Wait until it has finished.")
    if result is None:
        output.fail(
            "The job failed; the ledger is unchanged.",
            next_step="The output above says why.",
            code=code or DIFFERENT,
        )
    return code, result


def _env() -> dict[str, str]:
    """Lets the job find the same modules as this process, and its database by either name."""
    more = {"PYTHONPATH": os.pathsep.join(sys.path)}
    if url := os.environ.get("INCASSO_REPORTING_DATABASE_URL"):
        more["INCASSO_DATABASE_URL"] = url
    return {**os.environ, **more}


def _follow(lines: Any) -> dict[str, Any] | None:
    """Shows the job's progress on standard error; returns its result."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=output.console(errors=True), transient=True) as progress:
        tasks: dict[str, Any] = {}
        for line in map(json.loads, lines):
            if "result" in line:
                found: dict[str, Any] = line["result"]
                return found
            what = line.get("reading") or next(iter(line))
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=line.get("of"))
            progress.update(tasks[what], completed=line.get("events", 0))
    return None
