"""`make demo`: every journey with real requests, then an audit against the PSP's own books and the
ledger, then end-of-day reconciliation.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from stack.day_end import begin_day, end_day
from stack.day_end_report import print_day_end
from stack.demo_merchant import LENDER_SUFFIX, STRIPE_ACCOUNT, sandbox_accounts
from stack.journey_report import Journey
from stack.journeys import JOURNEYS, one_click
from stack.ledger import ledger, print_ledger
from stack.shop import TIMEOUT_SECONDS, JourneyFailedError, Shop
from stack.traces import complete_trace, tree


@dataclass(frozen=True)
class Result:
    journey: str
    promise: str
    held: bool
    what: str
    seconds: float
    trace_id: str = ""
    payment_id: str = ""


async def run_demo(
    console: Console,
    *,
    url: str,
    secret_key: str,
    sandbox_url: str,
    localstripe_url: str,
    lender_key: str,
    report: Path,
) -> bool:
    """Whether every promise was kept. Writes `report` as JSON."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        shop = Shop(http, url, secret_key, sandbox_url, localstripe_url, lender_key)
        before = await begin_day(shop)
        results = []
        for journey in JOURNEYS:
            result = await play(journey, shop)
            results.append(result)
            console.print(line(result))
        audited = await audit(shop)
        traced = next(result for result in results if result.journey == one_click.__name__)
        spans, missing = await complete_trace(http, sandbox_url, traced.trace_id)
        ledgers = [
            ("Trial balance", await ledger(shop, sandbox_accounts(""))),
            (
                "Trial balance of the lender",
                await ledger(shop.lender(), sandbox_accounts(LENDER_SUFFIX)),
            ),
        ]
        day = await end_day(shop, before)
    console.print(table(results))
    console.print(tree(traced.trace_id, spans))
    differing = [one for _, books in ledgers for one in books.differences]
    kept = all(result.held for result in results)
    held = kept and not (audited.differences or missing or differing or day.differences)
    print_audit(console, audited, missing)
    for title, books in ledgers:
        print_ledger(console, title, books)
    print_day_end(console, day)
    content = {
        "held": held,
        "journeys": [asdict(result) for result in results],
        "payments": len(shop.payment_ids),
        "payments_compared": audited.compared,
        "differences_with_psp_books": audited.differences,
        "missing_in_trace": missing,
        "trial_balance": ledgers[0][1].accounts,
        "differences_of_ledgers": differing,
        "reconciliation": {
            "matched": len(day.matched),
            "exceptions": day.exceptions,
            "differences": day.differences,
            "trace_url": day.trace_url,
        },
    }
    write(report, content)
    return held


def write(report: Path, content: dict[str, Any]) -> None:
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(content, indent=2) + "\n")


async def play(journey: Journey, shop: Shop) -> Result:
    began = time.monotonic()
    promise = (journey.__doc__ or "").strip()
    try:
        report = await journey(shop)
    except (JourneyFailedError, aiohttp.ClientError, TimeoutError, KeyError, TypeError) as failure:
        what = f"{type(failure).__name__}: {failure}"
        return Result(journey.__name__, promise, False, what, time.monotonic() - began)
    seconds = time.monotonic() - began
    return Result(
        journey.__name__, promise, True, report.what, seconds, report.trace_id, report.payment_id
    )


@dataclass(frozen=True)
class Audit:
    compared: int
    differences: list[str]


async def audit(shop: Shop) -> Audit:
    """Compares each payment of this run with its row at the PSP, and finds charges without a payment."""
    books = await shop.books()
    payments = [await shop.get(f"/v1/payments/{payment_id}") for payment_id in shop.payment_ids]
    compared = [payment for payment in payments if "psp_reference" in payment]
    differences = []
    for payment in compared:
        row = books.get(payment["psp_reference"])
        if row is None and payment["psp_account"] == STRIPE_ACCOUNT:
            row = await shop.stripe_book(payment["psp_reference"])
        differences += compare(payment, row)
    differences += unreferenced(payments)
    differences += strays(books, shop.run_id, {p["psp_reference"] for p in compared})
    return Audit(len(compared), differences)


def unreferenced(payments: list[dict[str, Any]]) -> list[str]:
    """Payments that took money but have no PSP charge reference."""
    return [
        f"{payment['id']}: captured {payment['captured_minor']} without a PSP reference"
        for payment in payments
        if payment["captured_minor"] and "psp_reference" not in payment
    ]


def strays(books: dict[str, dict[str, Any]], run_id: str, explained: set[str]) -> list[str]:
    """Charges for this run's orders that took money and belong to no payment."""
    return [
        f"the PSP took {row['captured_minor']} for {row['reference']} in a charge of no payment"
        for charge_id, row in books.items()
        if str(row["reference"]).startswith(f"D-{run_id}-")
        and row["captured_minor"]
        and charge_id not in explained
    ]


def compare(payment: dict[str, Any], row: dict[str, Any] | None) -> list[str]:
    """Differences between Incasso's and the PSP's view of one charge."""
    name = payment["id"]
    if row is None:
        return [f"{name}: the PSP does not know {payment['psp_reference']}"]
    return [
        f"{name}: {field} is {payment[field]} here and {row[field]} at the PSP"
        for field in ("captured_minor", "refunded_minor")
        if payment.get(field, 0) != row[field]
    ]


def line(result: Result) -> str:
    mark = "[green]✓[/]" if result.held else "[red]✗[/]"
    return f"  {mark} {result.promise} [dim]{result.seconds:.1f} s[/]"


def table(results: list[Result]) -> Table:
    shown = Table(title="What happened", title_justify="left", title_style="bold")
    shown.add_column("Promise")
    shown.add_column("Result", overflow="fold")
    shown.add_column("Payment", overflow="fold", style="dim")
    shown.add_column("Trace", overflow="fold", style="dim")
    for result in results:
        style = None if result.held else "red"
        shown.add_row(result.promise, result.what, result.payment_id, result.trace_id, style=style)
    return shown


def print_audit(console: Console, audited: Audit, missing: list[str]) -> None:
    for difference in audited.differences:
        console.print(f"[red]✗ {difference}[/]")
    for part in missing:
        console.print(f"[red]✗ the trace has no span of {part}[/]")
    if not audited.differences:
        console.print(f"[green]✓[/] {audited.compared} payments agree with the PSPs' own books")
