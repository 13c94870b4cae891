"""The tables that show the demo's last act."""

from collections import Counter
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from libs import display
from libs.money import Money
from stack.day_end import DayEnd, Row

NO_TRACE: Final = "0" * 32


def print_day_end(console: Console, found: DayEnd) -> None:
    console.print(_files(found))
    console.print(_exceptions(found))
    for difference in found.differences:
        console.print(f"[red]✗ {difference}[/]")
    if not found.differences:
        console.print(
            f"[green]✓[/] everything matches except the {len(found.exceptions)} planted errors, each"
            " found under its type; they explain all that the PSPs still owe"
        )
    if found.trace_url:
        console.print(f"  the trace of the payment whose amount differs: {found.trace_url}")


def _files(found: DayEnd) -> Table:
    table = _table("Reconciliation", "File", "Format")
    for name in ("Lines", "Matched", "Exceptions"):
        table.add_column(name, justify="right")
    table.add_column("By")
    listed = {each.get("theirs_id") for each in found.exceptions}
    for file in found.files:
        rules = Counter(found.matched[line] for line in file.lines if line in found.matched)
        table.add_row(
            file.name,
            file.format,
            str(len(file.lines)),
            str(rules.total()),
            str(len(listed & set(file.lines))),
            ", ".join(f"{rule} {count}" for rule, count in sorted(rules.items())),
        )
    return table


def _exceptions(found: DayEnd) -> Table:
    table = _table("Exceptions")
    table.add_column("Type", no_wrap=True)
    table.add_column("With", overflow="ellipsis", no_wrap=True, max_width=10)
    for name in ("Amount", "Expected"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Order", no_wrap=True)
    table.add_column("Trace", no_wrap=True, style="dim")
    for each in sorted(found.exceptions, key=lambda row: (row["stage"], row["type"])):
        table.add_row(
            f"[yellow]{each['type'].replace('_', ' ')}[/]",
            each["party"],
            _amount(each, "amount_minor"),
            _amount(each, "expected_minor"),
            each.get("order_reference", ""),
            "" if each["trace_id"] == NO_TRACE else f"{each['trace_id'][:8]}…",
        )
    return table


def _amount(row: Row, name: str) -> str:
    return display.amount(Money(row[name], row["currency"]), "en") if name in row else ""


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    for name in columns:
        table.add_column(name)
    return table
