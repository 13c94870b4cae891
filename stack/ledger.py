"""The end of the demo: the trial balance, and what PSPs owe according to the ledger and to the
sandbox's own books.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from libs import display
from libs.money import Money
from stack.shop import Shop

CAUGHT_UP_SECONDS: Final = 60.0  # for reporting to book the latest events
PAUSE_SECONDS: Final = 0.2  # between checks, at first; a check takes a tenth of a second
LONGEST_PAUSE_SECONDS: Final = 1.0
RECEIVABLE: Final = "psp_receivable"
CLEARING: Final = "instalments_clearing"

Balance = dict[str, Any]


@dataclass(frozen=True)
class Ledger:
    """`differences`: in words; empty once all events are booked."""

    accounts: Sequence[Balance]
    totals: Sequence[Balance]
    receivables: Mapping[str, int]  # by PSP account and currency
    differences: Sequence[str]


async def ledger(shop: Shop, accounts: Mapping[str, str]) -> Ledger:
    """`accounts`: the merchant's sandbox accounts, by their names at the sandbox. Waits until there
    are no differences, up to CAUGHT_UP_SECONDS.
    """
    last, pause = time.monotonic() + CAUGHT_UP_SECONDS, PAUSE_SECONDS
    while True:
        found = await _reconciled(shop, accounts)
        if not found.differences or time.monotonic() > last:
            return found
        await asyncio.sleep(pause)
        pause = min(1.2 * pause, LONGEST_PAUSE_SECONDS)


async def _reconciled(shop: Shop, accounts: Mapping[str, str]) -> Ledger:
    books = owed_by_books(list((await shop.books()).values()), accounts)
    balance = await shop.get("/v1/reports/trial-balance?by_party=true")
    receivables = receivables_of(balance)
    charged = defaultdict(int, receivables)
    async for line in shop.pages("/v1/reconciliation/settlement-lines"):  # settled in earlier demos
        if line["source"] == "psp" and line["kind"] not in {"payout", "fee"}:
            charged[f"{line['party']} {line['currency']}"] += line["gross_minor"]
    differences = [*unbalanced(balance), *compared(charged, books)]
    return Ledger(balance["data"], balance["totals"], receivables, differences)


def receivables_of(balance: Mapping[str, Any]) -> dict[str, int]:
    """What PSPs owe according to the ledger, by account and currency."""
    return {
        f"{row['party']} {row['currency']}": row["balance_minor"]
        for row in balance["data"]
        if row["account"] == RECEIVABLE
    }


def owed_by_books(
    charges: Sequence[Mapping[str, Any]], accounts: Mapping[str, str]
) -> Mapping[str, int]:
    """Amounts captured by the sandbox and neither refunded nor lost to a dispute, by account and
    currency.
    """
    owed: dict[str, int] = defaultdict(int)
    for row in charges:
        if row["account"] in accounts:
            left = row["captured_minor"] - row["refunded_minor"] - row["disputed_minor"]
            owed[f"{accounts[row['account']]} {row['currency']}"] += left
    return owed


def unbalanced(balance: Mapping[str, Any]) -> list[str]:
    """Differences between debits and credits, and between plans and their payments."""
    found = [
        f"debits of {row['debit_minor']} and credits of {row['credit_minor']} {row['currency']}"
        for row in balance["totals"]
        if row["debit_minor"] != row["credit_minor"]
    ]
    return found + [
        f"plans and their payments differ by {row['balance_minor']} {row['currency']}"
        for row in balance["data"]
        if row["account"] == CLEARING and row["balance_minor"]
    ]


def compared(receivables: Mapping[str, int], books: Mapping[str, int]) -> list[str]:
    return [
        f"{name} owes {receivables.get(name, 0)} in the ledger but {minor} in its own books"
        for name, minor in books.items()
        if receivables.get(name, 0) != minor
    ]


def print_ledger(console: Console, title: str, found: Ledger) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in ("Account", "With"):
        table.add_column(name)
    for name in ("Debit", "Credit", "Balance"):
        table.add_column(name, justify="right")
    for row in found.accounts:
        name = row["account"].replace("_", " ")
        table.add_row(name, row.get("party", ""), *_amounts(row, row["balance_minor"]))
    table.add_section()
    for row in found.totals:
        of_all = row["debit_minor"] - row["credit_minor"]
        table.add_row("all", "", *_amounts(row, of_all), style="bold")
    console.print(table)
    for difference in found.differences:
        console.print(f"[red]✗ {difference}[/]")
    if not found.differences:
        console.print("[green]✓[/] debits equal credits, and PSPs owe what their own books say")


def _amounts(row: Balance, balance_minor: int) -> list[str]:
    amounts = (row["debit_minor"], row["credit_minor"], balance_minor)
    return [display.amount(Money(minor, row["currency"]), "en") for minor in amounts]
