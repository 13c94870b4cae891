"""`incasso statements FILE`: shows what a file from a bank or PSP contains, or why it is refused. Nothing is imported.

The JSON is written as the file is read, one entry per line, so that a large file takes little memory.
"""

import functools
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from cli import output
from cli.output import AsJson
from libs import terminal
from libs.statements import amounts, reading
from libs.statements.model import (
    Balance,
    Contents,
    Detail,
    Entry,
    Party,
    References,
    Statement,
    Total,
)
from libs.statements.refusals import RefusedError

SLOW_BYTES: Final = 20_000_000  # larger files get a progress bar
SHOWN: Final = 50  # entries of a file in the table
STATEMENTS: Final = ("statement", "account", "opening", "closing", "adds_up", "entries", "sums")
ENTRIES: Final = ("date", "amount", "state", "counterparty", "reference", "text")
_TEXT: Final = 60  # characters in the table
_READINGS: Final = 2


def statements(
    file: Annotated[Path, typer.Argument(help="A file from a bank or PSP.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a file from a bank (CAMT, MT940) or PSP (Stripe, PayPal) contains. Nothing is imported."""
    try:
        if not file.is_file():
            output.fail(f"{file.name}: {'is not a file' if file.exists() else 'does not exist'}.")
        with _progress(file.stat().st_size) as bar:
            _show(file, bar, as_json=as_json)
    except RefusedError as refusal:
        if as_json:
            output.print_json({"refused": {"line": refusal.line, "reason": refusal.reason}})
        output.fail(
            f"{file.name}: {refusal}.",
            next_step="Get an unaltered copy of the file from its sender.",
        )
    except OSError as error:
        output.fail(f"{file.name}: {error.strerror}.")


def _show(file: Path, bar: Progress, *, as_json: bool) -> None:

    def opened() -> BinaryIO:
        return file.open("rb")

    task = bar.add_task(file.name, total=_READINGS * file.stat().st_size)
    advance = functools.partial(bar.advance, task)
    contents = reading.proven(opened, advance)
    blocks = reading.blocks(opened, contents, advance)
    entries = ((block.statement, entry) for block in blocks for entry in block.entries)
    if as_json:
        for line in _lines(contents, entries):
            print(
                line
                if terminal.can_say(line)
                else line.encode("ascii", "backslashreplace").decode()
            )
    else:
        _print_tables(file.name, contents, entries)


def _progress(size_bytes: int) -> Progress:
    """Progress on standard error, for large files and only on a terminal."""
    console = output.console(errors=True)
    return Progress(
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=size_bytes < SLOW_BYTES or not console.is_terminal,
    )


def _lines(contents: Contents, entries: Iterable[tuple[int, Entry]]) -> Iterator[str]:
    """Lines that together make one JSON object."""
    yield f'{_open(_file(contents))}, "statements": ['
    by_statement = itertools.groupby(entries, key=lambda each: each[0])
    upcoming = next(by_statement, None)
    for number, statement in enumerate(contents.statements):
        yield f'{"," if number else ""}{_open(_statement(statement))}, "entries": ['
        if upcoming is not None and upcoming[0] == number:
            for place, (_, entry) in enumerate(upcoming[1]):
                yield f"{',' if place else ''}{_json(_entry(entry))}"
            upcoming = next(by_statement, None)
        yield "]}"
    yield "]}"


def _open(record: Mapping[str, Any]) -> str:
    """A JSON object without its closing brace."""
    return _json(record).removesuffix("}")


def _json(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)


def _file(contents: Contents) -> dict[str, Any]:
    return {
        "format": contents.format.name,
        "version": contents.format.version or None,
        "sha256": contents.sha256,
        "size_bytes": contents.size_bytes,
        "accounts": list(contents.accounts),
    }


def _statement(statement: Statement) -> dict[str, Any]:
    heading = statement.heading
    return {
        "account": heading.account,
        "id": heading.id,
        "number": heading.number or None,
        "line": heading.line,
        "opening_balance": _balance(statement.opening),
        "closing_balance": _balance(statement.closing),
        "balances": [_balance(each) for each in statement.balances],
        "adds_up": statement.adds_up,
        "totals": [_total(each) for each in statement.totals],
        "not_booked": statement.others,
    }


def _total(total: Total) -> dict[str, Any]:
    return {
        "currency": total.currency,
        "entries": total.entries,
        "credits_minor": total.credits_minor,
        "debits_minor": total.debits_minor,
    }


def _balance(balance: Balance | None) -> dict[str, Any] | None:
    if balance is None:
        return None
    return {
        "kind": balance.kind,
        "date": balance.on.isoformat() if balance.on else None,
        "amount_minor": balance.amount_minor,
        "currency": balance.currency,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "line": entry.line,
        "date": entry.booked_on.isoformat() if entry.booked_on else None,
        "value_date": entry.value_on.isoformat() if entry.value_on else None,
        "amount_minor": entry.amount_minor,
        "currency": entry.currency,
        "state": entry.state.value,
        "reversal": entry.is_reversal,
        "kind": entry.kind,
        **_description(entry),
        "gross_minor": entry.gross_minor,
        "fee_minor": entry.fee_minor,
        "unexplained_minor": entry.unexplained_minor,
        "details": [_detail(each) for each in entry.details],
    }


def _detail(detail: Detail) -> dict[str, Any]:
    return {
        "id": detail.id,
        "amount_minor": detail.amount_minor,
        "currency": detail.currency,
        **_description(detail),
    }


def _description(of: Entry | Detail) -> dict[str, Any]:
    """Its references, text and counterparty, without fields that are absent."""
    found: dict[str, Any] = {
        "references": _filled(of.references),
        "text": of.text,
        "counterparty": _filled(of.counterparty),
    }
    if of.return_reason:
        found["return_reason"] = of.return_reason
    return found


def _filled(of: References | Party) -> dict[str, str]:
    return {each.name: value for each in fields(of) if (value := getattr(of, each.name))}


def _print_tables(name: str, contents: Contents, entries: Iterator[tuple[int, Entry]]) -> None:
    title = " ".join(filter(None, [contents.format.name, contents.format.version]))
    rows = [_statement_row(each) for each in contents.statements[:SHOWN]]
    output.print_table(f"{name}: {title}", STATEMENTS, rows, empty="")
    shown = [_entry_row(entry) for _, entry in itertools.islice(entries, SHOWN)]
    output.print_table("Entries", ENTRIES, shown, empty="It has no entries.")
    count = sum(
        each.others + sum(total.entries for total in each.totals) for each in contents.statements
    )
    if count > len(shown) or len(contents.statements) > len(rows):
        output.print_hint(
            f"{count} entries in {len(contents.statements)} statements: --json shows all."
        )


def _statement_row(statement: Statement) -> dict[str, Any]:
    return {
        "statement": statement.heading.id,
        "account": statement.heading.account,
        "opening": _money(statement.opening),
        "closing": _money(statement.closing),
        "adds_up": "not stated" if statement.adds_up is None else statement.adds_up,
        "entries": sum(total.entries for total in statement.totals),
        "sums": ", ".join(
            f"+{amounts.written(total.credits_minor, total.currency)} "
            f"-{amounts.written(total.debits_minor, total.currency)}"
            for total in statement.totals
        ),
    }


def _money(balance: Balance | None) -> str:
    return amounts.written(balance.amount_minor, balance.currency) if balance else ""


def _entry_row(entry: Entry) -> dict[str, Any]:
    found = entry.references
    return {
        "date": entry.booked_on.isoformat() if entry.booked_on else "",
        "amount": amounts.written(entry.amount_minor, entry.currency),
        "state": entry.state.value,
        "counterparty": entry.counterparty.name or entry.counterparty.account,
        "reference": found.creditor or found.end_to_end or found.order or found.bank,
        "text": entry.text[:_TEXT] or (f"{len(entry.details)} payments" if entry.details else ""),
    }
