"""`make bench-collections`: instalments of many plans, all due on one day, collected by two replicas.

Runs once with both replicas up and once with one of them killed half-way: each instalment must be paid
exactly once, according to both Incasso's and the PSP's books. The plans are copies of a signed one.
Writes bench/results/collections.json.
"""

import asyncio
import json
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.cost import Meter
from libs import terminal
from stack.demo_merchant import create_merchant
from stack.embedded import Stack
from stack.instalment_journeys import later, offer_only, signed
from stack.shop import Shop

RESULTS: Final = Path(__file__).parent / "results" / "collections.json"
REPLICAS: Final = {"instalments": 2}
TERMS: Final = {
    "name": "Three months",
    "currency": "EUR",
    "payments": 3,
    "every": {"unit": "month", "n": 1},
}
LICENCE: Final = {"lender_registration": "OAM M123"}
LOOK_SECONDS: Final = 0.2
GIVEN_UP_SECONDS: Final = 1800.0
_COPY_PLANS: Final = """
INSERT INTO plans SELECT (jsonb_populate_record(plans, jsonb_build_object(
    'id', plans.id || n, 'quote_id', quote_id || n, 'order_reference', order_reference || '-' || n))).*
FROM plans, generate_series(1, $2) AS n WHERE id = $1"""
_COPY_PARTS: Final = """
INSERT INTO instalments SELECT (jsonb_populate_record(instalments, jsonb_build_object(
    'plan_id', plan_id || n))).*
FROM instalments, generate_series(1, $2) AS n WHERE plan_id = $1"""
_PAID: Final = "SELECT count(*) FROM instalments WHERE number = $1 AND state = 'paid'"


@dataclass(frozen=True)
class Run:
    """Seconds until half and until all of the instalments were paid; `paid_twice` must be 0."""

    parts: int
    half_seconds: float
    all_seconds: float
    cpu_ms: float  # per instalment, across all services, PostgreSQL and NATS
    paid_twice: int

    @property
    def per_second(self) -> float:
        """Over the first half, while both replicas are up."""
        return self.parts / 2 / self.half_seconds


class Collections:
    """A merchant with `plans` identical plans."""

    def __init__(self, stack: Stack, shop: Shop, meter: Meter, plans: int) -> None:
        self._stack = stack
        self._shop = shop
        self._meter = meter
        self._plans = plans

    async def prepare(self) -> None:
        (await self._shop.call("PATCH", "/v1/instalment-settings", LICENCE)).expect(200)
        await offer_only(self._shop, TERMS)
        customer = await self._shop.customer("tok_visa")
        plan = (await signed(self._shop, customer, 16_000)).expect(200)
        for copy in (_COPY_PLANS, _COPY_PARTS):
            await self._meter.run("instalments", copy, plan["id"], self._plans - 1)
        await self._meter.run("instalments", "ANALYZE plans, instalments")

    async def collect(self, number: int, *, kill: bool) -> Run:
        """Makes each plan's instalment `number` due and waits until all are paid."""
        before = await self._charges()
        timed, spent = await self._meter.spent(lambda: self._collected(number, kill=kill))
        half, whole = timed
        charges = await self._charges() - before
        made = sum(charges.values())
        if len(charges) != self._plans:
            raise RuntimeError(f"the PSP charged {len(charges)} of {self._plans} orders")
        cpu_ms = round(1000 * spent.all_seconds / self._plans, 1)
        return Run(self._plans, round(half, 1), round(whole, 1), cpu_ms, made - self._plans)

    async def _collected(self, number: int, *, kill: bool) -> tuple[float, float]:
        await later(self._shop, months=1)
        began = time.monotonic()
        half = await self._until_paid(number, self._plans // 2, began)
        if kill:
            self._stack.kill("instalments-1")
        return half, await self._until_paid(number, self._plans, began)

    async def _until_paid(self, number: int, wanted: int, began: float) -> float:
        while await self._meter.value("instalments", _PAID, number) < wanted:
            if time.monotonic() > began + GIVEN_UP_SECONDS:
                raise RuntimeError(f"not every plan's instalment {number} was paid")
            await asyncio.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    async def _charges(self) -> Counter[str]:
        """The PSP's captured charges, counted by order."""
        books = (await self._shop.books()).values()
        return Counter(row["reference"] for row in books if row["captured_minor"])


async def measure(plans: int, progress: Progress) -> dict[str, Run]:
    step = progress.add_task("starting the stack", total=None)
    sampling = {"*": {"OTEL_TRACES_SAMPLER_ARG": "0.1"}}
    with tempfile.TemporaryDirectory(prefix="incasso-bench-") as folder:
        async with (
            Stack.start(Path(folder), replicas=REPLICAS, env_overrides=sampling) as stack,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as http,
            Meter(stack) as meter,
        ):
            merchant = await create_merchant(stack, "Bench", plan="enterprise")
            shop = Shop(
                http, stack.url, merchant.secret_key, stack.sandbox_url, stack.localstripe_url
            )
            work = Collections(stack, shop, meter, plans)
            await work.prepare()
            progress.update(step, description="two replicas")
            both = await work.collect(2, kill=False)
            progress.update(step, description="two replicas, one of them killed")
            killed = await work.collect(3, kill=True)
            return {"two replicas": both, "one of them killed at half": killed}


def table(runs: dict[str, Run]) -> Table:
    shown = Table(title="Instalments due on one day", title_justify="left", title_style="bold")
    shown.add_column("")
    for column in ("parts", "per second", "all paid after", "CPU time", "paid twice"):
        shown.add_column(column, justify="right")
    for name, run in runs.items():
        shown.add_row(
            name,
            f"{run.parts:,}",
            f"{run.per_second:.0f}",
            f"{run.all_seconds:.0f} s",
            f"{run.cpu_ms:.1f} ms",
            str(run.paid_twice),
        )
    return shown


def main(
    plans: Annotated[int, typer.Option(min=10, max=100_000, help="plans due on one day")] = 10_000,
) -> None:
    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        runs = asyncio.run(measure(plans, progress))
    found = {
        name: asdict(run) | {"per_second": round(run.per_second, 1)} for name, run in runs.items()
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    console.print(table(runs))
    if any(run.paid_twice for run in runs.values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
