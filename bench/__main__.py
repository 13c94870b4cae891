"""`make bench`: one-click charges per second at saturation, latency alone, and the limit.

Gateway, services, PostgreSQL, NATS, the simulated PSP and this load generator share the machine:
the figures are of the whole, not of one service. Writes bench/results/latest.json.
"""

import asyncio
import json
import os
import platform
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import reference
from bench.load import Measured, Storefront
from libs import terminal
from stack.demo_merchant import create_merchant
from stack.embedded import Stack
from stack.shop import Shop

RESULTS = Path(__file__).parent / "results" / "latest.json"
CUSTOMERS = 64
GENEROUS = {
    "max_charge": {"amount_minor": 10**9, "currency": "EUR"},
    "max_daily": {"amount_minor": 10**11, "currency": "EUR"},
    "max_hourly_charges": 10**6,
}
WARM_UP_SECONDS = 3.0


@dataclass(frozen=True)
class Plan:
    seconds: int
    concurrency: int
    sampling: str


@dataclass(frozen=True)
class Figures:
    alone: Measured
    saturated: Measured
    limit: float
    booked: int  # charges of this run in the PSP's books
    captured: int  # charges that storefronts were told of


async def measure(plan: Plan, progress: Progress) -> Figures:
    step = progress.add_task("starting the stack", total=None)
    sampling = {"*": {"OTEL_TRACES_SAMPLER_ARG": plan.sampling}}
    with tempfile.TemporaryDirectory(prefix="incasso-bench-") as folder:
        async with (
            Stack.start(Path(folder), env_overrides=sampling) as stack,
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=60),
            ) as http,
        ):
            merchant = await create_merchant(stack, "Bench", plan="enterprise")
            shop = Shop(
                http, stack.url, merchant.secret_key, stack.sandbox_url, stack.localstripe_url
            )
            (await shop.call("PATCH", "/v1/one-click-policy", GENEROUS)).expect(200)
            customers = [await shop.customer("tok_visa") for _ in range(CUSTOMERS)]
            run_id = f"bench-{secrets.token_hex(4)}"
            storefront = Storefront(
                http, url=stack.url, secret_key=merchant.secret_key, run_id=run_id
            )
            progress.update(step, description="warming up")
            warm = await storefront.load(
                customers, concurrency=plan.concurrency, seconds=WARM_UP_SECONDS
            )
            progress.update(step, description="one shopper alone")
            alone = await storefront.load(customers, concurrency=1, seconds=plan.seconds)
            progress.update(step, description=f"{plan.concurrency} shoppers at once")
            saturated = await storefront.load(
                customers, concurrency=plan.concurrency, seconds=plan.seconds
            )
            progress.update(step, description="the limit: bare SQL by pgbench")
            await asyncio.sleep(2)  # let the outbox come to rest
            limit = await asyncio.to_thread(_reference, stack, plan)
            booked = await _booked(http, stack.sandbox_url, run_id)
    captured = sum(len(m.durations) for m in (warm, alone, saturated))
    return Figures(alone, saturated, limit, booked, captured)


def _reference(stack: Stack, plan: Plan) -> float:
    url = stack.create_database("reference")
    return reference.charges_per_second(url, clients=plan.concurrency, seconds=plan.seconds)


async def _booked(http: aiohttp.ClientSession, sandbox_url: str, run_id: str) -> int:
    async with http.get(f"{sandbox_url}/books/charges") as response:
        rows = await response.json(content_type=None)
    rows = rows.get("data", rows) if isinstance(rows, dict) else rows
    return sum(str(row["reference"]).startswith(run_id) for row in rows if row["captured_minor"])


def summary(plan: Plan, figures: Figures) -> dict[str, Any]:
    saturated, alone = figures.saturated, figures.alone
    return {
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
        },
        "plan": {
            "seconds": plan.seconds,
            "concurrency": plan.concurrency,
            "trace_sampling": float(plan.sampling),
        },
        "alone": _figures(alone),
        "saturated": _figures(saturated),
        "reference_sql_per_second": round(figures.limit, 1),
        "ratio_to_reference": round(saturated.per_second / figures.limit, 3),
        "charges_in_psp_books": figures.booked,
        "charges_told_to_storefronts": figures.captured,
    }


def _figures(measured: Measured) -> dict[str, Any]:
    return {
        "charges_per_second": round(measured.per_second, 1),
        "p50_ms": round(measured.percentile_ms(0.50), 2),
        "p95_ms": round(measured.percentile_ms(0.95), 2),
        "p99_ms": round(measured.percentile_ms(0.99), 2),
        "not_captured": dict(measured.other),
    }


def table(found: dict[str, Any]) -> Table:
    shown = Table(title="One-click charges", title_justify="left", title_style="bold")
    for column in ("", "charges/s", "p50 ms", "p95 ms", "p99 ms", "not captured"):
        shown.add_column(column, justify="left" if column in ("", "not captured") else "right")
    for name in ("alone", "saturated"):
        row = found[name]
        shown.add_row(
            name,
            *(f"{row[k]:g}" for k in ("charges_per_second", "p50_ms", "p95_ms", "p99_ms")),
            ", ".join(f"{n} {what}" for what, n in row["not_captured"].items()) or "none",
        )
    shown.add_row("bare SQL (limit)", f"{found['reference_sql_per_second']:g}")
    return shown


def main(
    seconds: Annotated[int, typer.Option(min=1, max=600)] = 20,
    concurrency: Annotated[int, typer.Option(min=1, max=500)] = 32,
    sampling: Annotated[str, typer.Option(help="share of traces that are recorded")] = "0.1",
) -> None:
    plan = Plan(seconds, concurrency, sampling)
    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        figures = asyncio.run(measure(plan, progress))
    found = summary(plan, figures)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    console.print(table(found))
    console.print(f"{found['ratio_to_reference']:.1%} of the limit")
    if figures.booked != figures.captured:
        console.print(
            f"[red]the PSP booked {figures.booked} charges, storefronts know of {figures.captured}"
        )
        raise typer.Exit(1)


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
