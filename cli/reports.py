"""`incasso reports`: shows reports, writes them to files, and schedules them."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli import output
from cli.calls import REPORTS, ask, download
from cli.options import Cursor, Limit, MerchantId
from cli.output import AsJson
from cli.plain import plain
from incasso.reporting.v1 import reports_pb2 as pb
from libs.tables.model import Format

app = typer.Typer(help="Reports: list, show, write to files, schedule.", no_args_is_help=True)

LOOK_SECONDS: Final = 0.5
WAITING: Final = {"queued", "running"}
REPORT_COLUMNS: Final = ("name", "about", "filters")
SCHEDULE_COLUMNS: Final = ("id", "state", "report", "format", "every", "hour", "due_at", "emails")
RUN_COLUMNS: Final = (
    "id", "state", "report", "format", "booked_from", "booked_to", "rows", "size_bytes", "created_at",
)  # fmt: skip

Name = Annotated[str, typer.Argument(help="Name of the report: see `incasso reports list`.")]
From = Annotated[str, typer.Option("--from", help="First day, e.g. 2026-11-01.")]
To = Annotated[str, typer.Option("--to", help="Last day; today by default.")]
Currency = Annotated[str, typer.Option(help="Only this currency.")]
Form = Annotated[Format, typer.Option("--format", help="Format of the file.")]


class Every(StrEnum):
    """How often a report is made; it covers the previous period."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@app.command("list")
def list_reports(*, merchant: MerchantId, as_json: AsJson = False) -> None:
    """List the reports, and the filters of each."""
    found = plain(ask(REPORTS, pb.ListReportsRequest(), merchant_id=merchant))["data"]
    if as_json:
        output.print_json(found)
    else:
        output.print_table("Reports", REPORT_COLUMNS, found, empty="")


@app.command()
def show(
    *,
    name: Name,
    merchant: MerchantId,
    first: From = "",
    last: To = "",
    currency: Currency = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of rows.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the first rows of a report."""
    request = pb.GetReportRowsRequest(report=name, limit=limit, **_filters(first, last, currency))
    found = ask(REPORTS, request, merchant_id=merchant)
    columns = [column.name for column in found.columns]
    rows = [dict(zip(columns, row.values, strict=True)) for row in found.data]
    if as_json:
        output.print_json(rows)
        return
    output.print_table(name, columns, rows, empty="Nothing is booked.")
    if found.has_more:
        output.print_hint(
            f"There is more: `incasso reports run {name}` writes all of it to a file."
        )


@app.command()
def run(
    *,
    name: Name,
    merchant: MerchantId,
    first: From = "",
    last: To = "",
    currency: Currency = "",
    form: Form = Format.CSV,
    into: Annotated[
        Path | None, typer.Option("-o", "--output", help="File; by default named after the report.")
    ] = None,
    by_month: Annotated[
        bool,
        typer.Option(
            "--by-month", help="A folder of one file per month, as DuckDB and Spark read it."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a report to a file, showing its progress."""
    if by_month and not (first and last):
        output.fail("--by-month needs --from and --to.")
    parts = _months(first, last) if by_month else [(first, last)]
    made = []
    for begin, end in parts:
        found = _made(name, merchant, form, _filters(begin, end, currency))
        target = into or Path(f"{name}.{form.value}" if not by_month else name)
        if by_month:
            target = target / f"month={begin[:7]}" / f"{name}.{form.value}"
        made.append({**found, "file": str(_fetched(found["id"], merchant, target))})
    if as_json:
        output.print_json(made if by_month else made[0])
        return
    output.print_table("Written", ("file", "rows", "size_bytes"), made, empty="")


@app.command()
def runs(
    *, merchant: MerchantId, limit: Limit = 20, cursor: Cursor = "", as_json: AsJson = False
) -> None:
    """List runs, newest first."""
    request = pb.ListReportRunsRequest(limit=limit, cursor=cursor or None)
    found = plain(ask(REPORTS, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    output.print_table("Runs", RUN_COLUMNS, found["data"], empty="There are no runs.")
    output.print_next_page(found.get("next_cursor", ""))


@app.command()
def schedules(
    *, merchant: MerchantId, limit: Limit = 20, cursor: Cursor = "", as_json: AsJson = False
) -> None:
    """List schedules, newest first."""
    request = pb.ListReportSchedulesRequest(limit=limit, cursor=cursor or None)
    found = plain(ask(REPORTS, request, merchant_id=merchant))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Schedules", SCHEDULE_COLUMNS, found["data"], empty="There are no schedules."
    )
    output.print_next_page(found.get("next_cursor", ""))


@app.command()
def schedule(
    *,
    name: Name,
    merchant: MerchantId,
    every: Annotated[Every, typer.Option(help="How often; covers the previous period.")],
    hour: Annotated[int, typer.Option(min=0, max=23, help="Hour in the merchant's time zone.")] = 6,
    form: Form = Format.CSV,
    currency: Currency = "",
    email: Annotated[
        list[str] | None, typer.Option(help="Send the file to this e-mail address.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Schedule a report."""
    request = pb.CreateReportScheduleRequest(
        report=name,
        format=_number(form),
        every=pb.ReportPeriod.Value(f"REPORT_PERIOD_{every.name}"),
        hour=hour,
        currency=currency.upper() or None,
        emails=email or [],
    )
    made = plain(ask(REPORTS, request, merchant_id=merchant))["schedule"]
    if as_json:
        output.print_json(made)
    else:
        output.print_record("Scheduled", made)


@app.command()
def stop(
    *,
    schedule_id: Annotated[str, typer.Argument(help="The schedule: rsc_….")],
    merchant: MerchantId,
    as_json: AsJson = False,
) -> None:
    """Stop a schedule."""
    request = pb.StopReportScheduleRequest(schedule_id=schedule_id)
    stopped = plain(ask(REPORTS, request, merchant_id=merchant))["schedule"]
    if as_json:
        output.print_json(stopped)
    else:
        output.print_record("Stopped", stopped)


def _filters(first: str, last: str, currency: str) -> dict[str, Any]:
    found = {"booked_from": first, "booked_to": last, "currency": currency.upper()}
    return {name: value for name, value in found.items() if value}


def _number(form: Format) -> pb.ReportFormat.ValueType:
    return pb.ReportFormat.Value(f"REPORT_FORMAT_{form.name}")


def _months(first: str, last: str) -> Iterator[tuple[str, str]]:
    """The first and last day of each month in a period."""
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        output.fail("--from and --to must be dates such as 2026-11-01.")
    while begin <= end:
        following = (begin.replace(day=1) + timedelta(days=31)).replace(day=1)
        yield begin.isoformat(), min(end, following - timedelta(days=1)).isoformat()
        begin = following


def _made(name: str, merchant: str, form: Format, filters: dict[str, Any]) -> dict[str, Any]:
    """The run, once it is done; ends the command if it failed."""
    request = pb.CreateReportRunRequest(report=name, format=_number(form), **filters)
    run = ask(REPORTS, request, merchant_id=merchant).run
    with output.progress() as progress:
        task = progress.add_task(name, total=None)
        while (found := plain(run))["state"] in WAITING:
            days = f" {found['booked_from'][:7]}" if "booked_from" in found else ""
            progress.update(task, description=f"{name}{days}: {found['rows']:,} rows")
            time.sleep(LOOK_SECONDS)
            run = ask(REPORTS, pb.GetReportRunRequest(run_id=run.id), merchant_id=merchant).run
    if found["state"] != "done":
        reason = found.get("failed_reason", "")
        output.fail(f"The report was not written: {reason}.", next_step="Choose a shorter period.")
    return found


def _fetched(run_id: str, merchant: str, target: Path) -> Path:
    request = pb.DownloadReportRunRequest(run_id=run_id)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with output.working(f"receiving {target.name}"):
            download(REPORTS, request, target, merchant_id=merchant)
    except OSError as error:
        output.fail(f"{target}: {error.strerror}.")
    return target
