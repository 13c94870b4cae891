"""`make bench`: throughput, latency and cost of one-click charges, compared with bare SQL.

Gateway, services, PostgreSQL, NATS, the simulated PSP and the load generator share the machine:
the figures cover the whole stack, not one service. Everything is on: webhooks, events, e-mailed receipts,
traces. Writes bench/results/latest.json.
"""

import asyncio
import json
import secrets
import tempfile
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench import reference, road
from bench.cost import Meter, seconds_of
from bench.figures import Cost, Figures, Plan, costs, speeds, statements, summary, tables
from bench.link_pages import LinkPages
from bench.load import Load, Storefront
from bench.reference import Reference
from libs import terminal
from stack.demo_merchant import DemoMerchant, create_merchant
from stack.embedded import Stack
from stack.shop import Shop

RESULTS = Path(__file__).parent / "results" / "latest.json"
CUSTOMERS = 64
WARM_UP_SECONDS = 4.0


class Bench:
    """Measures one merchant's charges on one stack."""

    def __init__(
        self, plan: Plan, stack: Stack, merchant: DemoMerchant, http: aiohttp.ClientSession
    ) -> None:
        self._plan = plan
        self._stack = stack
        self._http = http
        self._run_id = f"bench-{secrets.token_hex(4)}"
        self._shop = Shop(
            http, stack.url, merchant.secret_key, stack.sandbox_url, stack.localstripe_url
        )
        self._storefront = Storefront(
            http, url=stack.url, secret_key=merchant.secret_key, run_id=self._run_id
        )

    async def measure(self, progress: Progress) -> Figures:
        plan, storefront = self._plan, self._storefront
        step = progress.add_task("warming up", total=None)
        await self._shop.lift_limits()
        customers = [await self._shop.customer("tok_visa") for _ in range(CUSTOMERS)]

        async def pay(concurrency: int, seconds: float) -> Load:
            return await storefront.pay(customers, concurrency=concurrency, seconds=seconds)

        async with Meter(self._stack) as meter:
            await pay(plan.concurrency, WARM_UP_SECONDS)
            progress.update(step, description="one shopper alone")
            alone = await pay(1, plan.seconds)
            progress.update(step, description=f"{plan.concurrency} shoppers at once")
            before = await self._captured(meter)
            saturated, spent = await meter.spent(lambda: pay(plan.concurrency, plan.seconds))
            between = await self._captured(meter)
            progress.update(step, description="counting statements")
            _, counted = await meter.counted(lambda: pay(plan.concurrency, plan.seconds / 2))
            captured = await self._captured(meter)
            trips = await self._round_trips(customers[0])
            charge = Cost(between - before, spent, captured - between, counted, trips)
            progress.update(step, description="links paid by card")
            link = await self._link(meter)
            progress.update(step, description="the limit: bare SQL with pgbench")
            limit = await asyncio.to_thread(self._reference)
            booked, captured = await self._booked(), await self._captured(meter)
        return Figures(alone, saturated, limit, charge, link, booked, captured)

    async def _link(self, meter: Meter) -> Cost:
        """Submits the pay page's form with a card token; creating and opening the links is not counted."""
        half = self._plan.links
        pages = LinkPages(self._shop, self._http, self._stack.sandbox_url)
        await pages.pay(await pages.open(16))
        opened = await pages.open(half)
        paid, spent = await meter.spent(lambda: pages.pay(opened))
        opened = await pages.open(half)
        counted_paid, counted = await meter.counted(lambda: pages.pay(opened))
        trace_id = await pages.pay_traced(*await pages.open(1))
        trips = await road.round_trips(self._http, self._stack.sandbox_url, trace_id)
        return Cost(paid, spent, counted_paid, counted, trips)

    async def _round_trips(self, customer_id: str) -> int:
        order = f"{self._run_id}-traced"
        answer = await self._shop.one_click(customer_id, 100, order_reference=order)
        return await road.round_trips(self._http, self._stack.sandbox_url, answer.trace_id)

    def _reference(self) -> Reference:
        return reference.measure(
            self._stack.create_database("reference"),
            clients=self._plan.concurrency,
            seconds=self._plan.seconds,
            server_seconds=lambda: seconds_of(self._stack.pid("postgres")),
        )

    async def _captured(self, meter: Meter) -> int:
        """Counted in Incasso's own tables: wrk drops the requests still in flight when it stops."""
        return await meter.value(
            "payments",
            "SELECT count(*) FROM payments WHERE state = 'captured'"
            " AND starts_with(order_reference, $1)",
            self._run_id,
        )

    async def _booked(self) -> int:
        async with self._http.get(f"{self._stack.sandbox_url}/books/charges") as response:
            rows = (await response.json())["data"]
        mine = [row for row in rows if str(row["reference"]).startswith(self._run_id)]
        return sum(bool(row["captured_minor"]) for row in mine)


async def measure(plan: Plan, progress: Progress) -> Figures:
    starting = progress.add_task("starting the stack", total=None)
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
            progress.remove_task(starting)
            return await Bench(plan, stack, merchant, http).measure(progress)


def main(
    seconds: Annotated[int, typer.Option(min=2, max=600)] = 20,
    concurrency: Annotated[int, typer.Option(min=1, max=500)] = 32,
    sampling: Annotated[str, typer.Option(help="share of traces to record")] = "0.1",
    links: Annotated[
        int, typer.Option(min=1, max=2000, help="links to pay in each of two runs")
    ] = 150,
    *,
    each_statement: Annotated[bool, typer.Option(help="show the statements by purpose")] = False,
    each_table: Annotated[bool, typer.Option(help="show the WAL by table")] = False,
) -> None:
    plan = Plan(seconds, concurrency, sampling, links)
    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        figures = asyncio.run(measure(plan, progress))
    found = summary(plan, figures)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    console.print(speeds(found))
    console.print(costs(found))
    if each_statement:
        console.print(statements("a click", figures.charge))
        console.print(statements("a link", figures.link))
    if each_table:
        console.print(tables("a click", figures.charge))
        console.print(tables("a link", figures.link))
    console.print(f"{found['ratio_to_reference']:.1%} of the limit")
    if figures.booked != figures.captured:
        console.print(
            f"[red]the PSP booked {figures.booked} charges, Incasso captured {figures.captured}"
        )
        raise typer.Exit(1)


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
