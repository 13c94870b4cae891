"""Output for operators: tables and colours for people, JSON for scripts, errors with a next
step.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, NoReturn, TypeAlias

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from libs import terminal

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

REFUSED: Final = 1
NO_ANSWER: Final = 3
NOT_CONFIGURED: Final = 78  # EX_CONFIG

GOOD: Final = {
    "active",
    "captured",
    "ok",
    "authorised",
    "succeeded",
    "won",
    "serving",
    "refunded",
    "paid",
    "completed",
}
BAD: Final = {"revoked", "declined", "failed", "lost", "not serving", "no answer"}
WAITING: Final = {
    "expiring", "processing", "pending", "requires_action", "open", "partially_refunded", "not set",
}  # fmt: skip
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")  # UTC; JSON has the seconds
WHOLE: Final = {"id", "kind", "state", "last4"}  # never broken: people copy and compare them
PIPE_WIDTH: Final = 240  # wide enough that no id is wrapped in a file


def console(*, errors: bool = False) -> Console:
    stream = sys.stderr if errors else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)


def cell(value: object) -> Text:
    """A value for people: coloured states, nothing that could control the terminal."""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if isinstance(value, str) and _TIME.fullmatch(value):
        value = f"{value[:10]} {value[11:16]}"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )
    style = (
        "green" if text in GOOD else "red" if text in BAD else "yellow" if text in WAITING else ""
    )
    return Text(text, style=style)


def print_json(value: object) -> None:
    """Prints JSON, escaped if the terminal lacks a character, so that scripts lose nothing."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(text if terminal.can_say(text) else json.dumps(value, indent=2))


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, empty: str
) -> None:
    """`columns` are names of the rows' values; `empty` is printed if there are no rows."""
    rows = list(rows)
    if not rows:
        console().print(Text(empty, style="dim"))
        return
    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    for column in columns:
        whole = column in WHOLE or column.endswith(("_id", "_at"))
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(cell(row.get(column, "")) for column in columns))
    console().print(table)


def print_record(title: str, record: Mapping[str, Any]) -> None:
    """One object, a line per value; nested values as `outer.inner`."""
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _flat(record, ""):
        table.add_row(name.replace("_", " "), cell(value))
    console().print(table)


def _flat(record: Mapping[str, Any], path: str) -> Iterable[tuple[str, object]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        elif value not in ("", []):
            yield f"{path}{name}", value


def print_secrets(keys: Sequence[Mapping[str, Any]]) -> None:
    """The secrets of new keys, shown once."""
    lines = Text()
    for key in keys:
        lines.append(f"{key['kind']:<12} ", style="bold")
        lines.append(f"{key['secret']}\n")
    lines.append("Copy it now: only its hash is stored, so it cannot be shown again.", "yellow")
    console().print(Panel(lines, title="Shown only once", border_style="yellow", expand=False))


def print_next_page(cursor: str) -> None:
    if cursor:
        print_hint(f"There is more: repeat with --cursor {cursor}")


def print_hint(text: str) -> None:
    console().print(Text(text, style="dim"))


def progress(*columns: ProgressColumn) -> Progress:
    """A progress bar on a terminal, none in a pipe. On standard error: standard output is for the result.

    `columns` are shown between the description and the elapsed time.
    """
    shown = console(errors=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *columns,
        TimeElapsedColumn(),
        console=shown,
        transient=True,
        disable=not shown.is_terminal,
    )


@contextmanager
def working(what: str) -> Iterator[None]:
    """Progress of one task of unknown length."""
    with progress() as bar:
        bar.add_task(cell(what).plain, total=None)
        yield


@contextmanager
def complete(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name once it is complete; an incomplete one is removed."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def complain(message: str, *, reason: str = "") -> None:
    """Prints an error on standard error, without ending the command."""
    line = Text("Error: ", style="bold red").append(cell(message).plain, style="default")
    if reason:
        line.append(f" ({reason})", style="dim")
    console(errors=True).print(line)


def fail(message: str, *, reason: str = "", next_step: str = "", code: int = REFUSED) -> NoReturn:
    """Prints an error and the next step on standard error, and exits with `code`."""
    complain(message, reason=reason)
    if next_step:
        console(errors=True).print(
            Text("Next:  ", style="bold").append(next_step, style="not bold")
        )
    raise typer.Exit(code)
