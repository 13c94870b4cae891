"""`make bench-month`: a shop's month of 100,000 payments reconciles without an exception, and every planted mistake is found.

The month is invented (month_shop.py) and fed in twice: as events, which are booked, and as the files of three PSP accounts and two
bank accounts (month_files.py), which are imported. A test does the same with fewer payments. Writes bench/results/month.json.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from bench import month_events, month_planted
from bench import month_files as files
from bench.ledger import durable_postgres, opened
from bench.month_files import Line
from bench.month_shop import Month, Payout, made, payouts
from libs import context, ids, terminal
from libs.clock import Clock
from libs.db import Conn
from services.reporting import worker
from services.reporting.deps import Deps
from services.reporting.flows import reading, resolving, sources
from services.reporting.flows.importing import ImportStatement, import_statement
from services.reporting.flows.reconciling import reconcile
from services.reporting.rules.exceptions import ReconciliationException, ResolvedAs
from services.reporting.rules.resolving import Resolution
from services.reporting.rules.sources import Terms
from services.reporting.store.exceptions import EXCEPTIONS
from services.reporting.store.items import OPEN_ITEMS

RESULTS: Final = Path(__file__).parent / "results" / "month.json"
BATCH: Final = 500
CURRENCIES: Final = ("EUR", "CHF")


@dataclass
class Books:
    """One merchant's books, kept by the service's own flows."""

    deps: Deps
    merchant_id: str
    say: Callable[[str], None] = print
    seconds: dict[str, float] = field(default_factory=dict)

    async def book(self, month: Month) -> int:
        events = month_events.events(month, self.merchant_id)
        handlers, began = worker.handlers(in_rome), time.perf_counter()
        context.set_current(context.Call(actor="reporting"))
        for at in range(0, len(events), BATCH):
            self.say(f"booking event {at:,} of {len(events):,}")
            batch = events[at : at + BATCH]
            handler: Any = handlers[batch[0].subject]  # the same for all subjects
            async with self.deps.db.transaction() as conn:
                await handler.handle(conn, batch)
        self._took("booking", began)
        return len(events)

    async def load(self, paid: Sequence[Payout], lines: Sequence[Line]) -> int:
        """Imports the PSPs' reports and the bank's statements."""
        self._act()
        began, count = time.perf_counter(), 0
        for account in sorted({each.account for each in paid}):
            of = [each for each in paid if each.account == account]
            report = files.paypal(of) if account == "paypal-it" else files.stripe(of)
            count += await self._import(report, account)
        euros = [line for line in lines if line.currency == "EUR"]
        francs = [line for line in lines if line.currency == "CHF"]
        for statement in (files.camt(euros), files.mt940(francs, "CHF") if francs else b""):
            count += await self._import(statement, None) if statement else 0
        self._took("importing", began)
        return count

    async def _import(self, data: bytes, psp_account: str | None) -> int:
        self.say(f"importing {psp_account or 'a bank statement'}, {len(data):,} bytes")

        async def pieces() -> Any:
            for at in range(0, len(data), 2**16):
                yield data[at : at + 2**16]

        cmd = ImportStatement(name=None, source=None, psp_account=psp_account)
        return (await import_statement(self.deps, cmd, pieces())).lines

    async def run(self) -> int:
        self._act()
        self.say("reconciling")
        began = time.perf_counter()
        matched = (await reconcile(self.deps)).matched
        self._took("reconciling", began)
        return matched

    async def exceptions(self) -> list[ReconciliationException]:
        where = "WHERE merchant_id = $1 AND state = 'open' ORDER BY id"
        async with self.deps.db.connection() as conn:
            return await EXCEPTIONS.all(conn, where, self.merchant_id)

    async def open_items(self) -> int:
        where = "WHERE merchant_id = $1"
        return await self.deps.db.run(OPEN_ITEMS.count, where, self.merchant_id)

    async def balances(self) -> dict[str, int]:
        self._act()
        found: dict[str, int] = {}
        for currency in CURRENCIES:
            balance = await reading.trial_balance(
                self.deps, on=None, currency=currency, by_party=False
            )
            of = {f"{row.account} {currency}": row.balance_minor for row in balance.data}
            found |= {name: minor for name, minor in of.items() if minor}
        return found

    async def by_hand(self, found: ReconciliationException, item_ids: Sequence[str]) -> None:
        self._act()
        cmd = Resolution(ResolvedAs.MATCHED, "Known.", tuple(item_ids))
        await resolving.resolve_exception(self.deps, found.id, cmd)

    async def terms(self, party: str) -> None:
        self._act()
        await sources.put_source(self.deps, Terms(party, 1, None, 140, 25))

    def _act(self) -> None:
        context.set_current(context.Call(merchant_id=self.merchant_id, actor="key_finance"))

    def _took(self, what: str, began: float) -> None:
        self.seconds[what] = self.seconds.get(what, 0) + time.perf_counter() - began


async def in_rome(_: str) -> str:
    return "Europe/Rome"


async def begin(books: Books) -> None:
    """Plays the month before, which teaches who pays: from payout names in the bank's texts, otherwise by hand."""
    before = month_planted.before()
    await books.terms(month_planted.ACCOUNT)
    await books.book(before.month)
    paid = payouts(before.month.moved)
    cash = [line for line in files.bank_lines(before.month) if line.text == "RIMESSA"]
    await books.load(paid, [*(files.line_of(each, is_named=True) for each in paid), *cash])
    await books.run()
    for found in await books.exceptions():
        where = "WHERE merchant_id = $1 AND kind = 'payout' AND amount_minor = $2"
        async with books.deps.db.connection() as conn:
            args = (books.merchant_id, found.amount_minor)
            (item,) = await OPEN_ITEMS.all(conn, where, *args)
        await books.by_hand(found, [item.id])


def expected(month: Month, lines: Sequence[Line]) -> dict[str, int]:
    """The ledger's expected balances, derived from the month's movements."""
    found: Counter[str] = Counter()
    for moved in month.moved:
        currency = moved.payment.currency
        found[f"psp_fees {currency}"] += moved.fee
        found[f"{_ACCOUNTS[moved.what]} {currency}"] -= moved.minor
    for transfer in month.transfers:
        found["sales EUR"] -= transfer.minor
    for cash in month.collected:
        found["sales EUR"] -= cash.minor - month_events.FEE_AT_THE_DOOR
        found["cod_fees EUR"] -= month_events.FEE_AT_THE_DOOR
        found["courier_fees EUR"] += cash.cut
    for line in lines:
        found[f"bank {line.currency}"] += line.minor
    return {name: minor for name, minor in found.items() if minor}


_ACCOUNTS: Final[Mapping[str, str]] = {
    "charge": "sales",
    "refund": "sales_refunds",
    "refund_failure": "sales_refunds",
    "dispute": "disputes_held",
    "dispute_reversal": "disputes_held",
}


async def clean(books: Books, payments: int) -> dict[str, Any]:
    """Everything matches, and the ledger agrees with what happened."""
    month = made(payments)
    lines = list(files.bank_lines(month))
    before = await books.balances()
    events = await books.book(month)
    imported = await books.load(payouts(month.moved), lines)
    matched = await books.run()
    after = await books.balances()
    grown = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
    return {
        "events": events,
        "lines": imported,
        "matched": matched,
        "exceptions": [
            f"{each.type.value} {each.amount_minor}" for each in await books.exceptions()
        ],
        "open_items": await books.open_items(),
        "ledger_is_what_happened": _as_is(grown) == expected(month, lines),
    }


def _as_is(balances: Mapping[str, int]) -> dict[str, int]:
    return {name: minor for name, minor in balances.items() if minor}


async def mistaken(books: Books, payments: int) -> dict[str, Any]:
    """Each mistake is found under its own type, and nothing else is reported."""
    planted = month_planted.planted(10**6 + payments)
    await books.book(planted.month)
    await books.load(planted.payouts, planted.bank_lines)
    await books.run()
    found = await books.exceptions()
    named = Counter((each.type.value, each.amount_minor) for each in found)
    twins = [each for each in found if each.type.value == "ambiguous"]
    return {
        "planted": planted.expected.total(),
        "found": sorted(f"{kind} {minor}" for kind, minor in named.elements()),
        "not_found": sorted(f"{kind} {minor}" for kind, minor in (planted.expected - named)),
        "false": sorted(f"{kind} {minor}" for kind, minor in (named - planted.expected)),
        "suggestions_of_twins": [len(each.suggestions) for each in twins],
    }


async def proven(books: Books, payments: int) -> dict[str, Any]:
    await begin(books)
    of_month = await clean(books, payments)
    return {"payments": payments, "clean": of_month, "mistaken": await mistaken(books, payments)}


async def measure(url_of: Any, payments: int, say: Callable[[str], None]) -> dict[str, Any]:
    database = await opened(url_of, "month")
    unasked: Any = None  # neither paylink nor payments is called here
    try:
        books = Books(Deps(database, Clock(), unasked, unasked), ids.new("mer"), say)
        found = await proven(books, payments)
        async with database.connection() as conn:
            found["gigabytes"] = await _gigabytes(conn)
    finally:
        await database.close()
    return {**found, "seconds": {name: round(took, 1) for name, took in books.seconds.items()}}


async def _gigabytes(conn: Conn) -> float:
    size: int = await conn.fetchval("SELECT pg_database_size(current_database())")
    return round(size / 10**9, 2)


def main(payments: Annotated[int, typer.Option(min=500)] = 100_000) -> None:
    console = Console()
    with durable_postgres() as server, console.status("") as status:
        busy = os.getloadavg()[0]
        found = asyncio.run(measure(server, payments, status.update))
    results = {"load_before": round(busy, 1), **found}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    console.print_json(data=results)
    of_month, mistakes = results["clean"], results["mistaken"]
    failed = (
        of_month["exceptions"],
        of_month["open_items"],
        mistakes["not_found"],
        mistakes["false"],
    )
    if any(failed) or not of_month["ledger_is_what_happened"]:
        raise typer.Exit(1)


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
