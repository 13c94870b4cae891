"""`python -m bench.rollout`: restarts every service in turn under load, as a Deployment does.

On its own stack with two replicas of everything, shops pay by one click, read from each service
and retry requests that were not answered. Exits with 1 if a request fails for good, or a charge is
lost or made twice.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from bench.losses import CLEAN
from libs import services, terminal
from stack.demo_merchant import create_merchant
from stack.embedded import Stack
from stack.shop import Shop
from stack.steady import Answers, SteadyStorefront, Verdict, at_rate

# Read by shops and finance; each service answers at least one of them.
READS: Final = (
    "/v1/merchant",
    "/v1/payments?limit=5",
    "/v1/customers?limit=5",
    "/v1/payment-links?limit=5",
    "/v1/instalment-plans?limit=5",
    "/v1/cod-orders?limit=5",
    "/v1/messages?limit=5",
    "/v1/reports/trial-balance",
)
READS_SHARE: Final = 0.4  # of all requests
# As in the chart: a stopping process keeps serving until clients no longer send to it.
DRAINING: Final = {"*": {"INCASSO_DRAIN_SECONDS": "5", "OTEL_TRACES_SAMPLER_ARG": "0.1"}}
READY_SECONDS: Final = 0.25  # between readiness checks of the gateways


class Gateways:
    """Like a Kubernetes Service: sends each request to a gateway that was ready at the last check."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._http = http
        self._ready = list(stack.urls)

    def url(self) -> str:
        return random.choice(self._ready or self._stack.urls)  # noqa: S311 - no secret

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        while True:
            seen = [await self._is_ready(number) for number in range(len(self._stack.urls))]
            self._ready = [
                url for url, is_ready in zip(self._stack.urls, seen, strict=True) if is_ready
            ]
            await asyncio.sleep(READY_SECONDS)

    async def _is_ready(self, number: int) -> bool:
        url = f"{self._stack.admin_url(f'gateway-{number + 1}')}/healthz/ready"
        try:
            async with self._http.get(url) as answer:
                return answer.status == 200  # noqa: PLR2004 - HTTP
        except (aiohttp.ClientError, TimeoutError):
            return False


async def run(
    rate: float, min_ready_seconds: float
) -> tuple[SteadyStorefront, Answers, Verdict, float]:
    names = (*services.NAMES, "gateway")
    with tempfile.TemporaryDirectory(prefix="incasso-rollout-") as folder:
        async with (
            Stack.start(
                Path(folder), replicas=dict.fromkeys(names, 2), env_overrides=DRAINING
            ) as stack,
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=30), connector=aiohttp.TCPConnector(limit=0)
            ) as http,
        ):
            key, books = (await create_merchant(stack, "Rollout")).secret_key, stack.sandbox_url
            shop = Shop(http, stack.url, key, books, stack.localstripe_url, recorded=0.1)
            await shop.lift_limits()
            customers = [await shop.customer("tok_visa") for _ in range(5)]
            gateways = Gateways(stack, http)
            store = SteadyStorefront(shop, customers, gateways.url)
            read = Answers()

            async def ask(number: int) -> None:
                await read.read(replace(shop, url=gateways.url()), READS[number % len(READS)])

            began = time.monotonic()
            async with (
                gateways.watched(),
                store.selling(rate * (1 - READS_SHARE)),
                at_rate(rate * READS_SHARE, ask),
            ):
                for name in names:
                    await stack.rolling_restart(name, min_ready_seconds=min_ready_seconds)
            seconds = time.monotonic() - began
            return store, read, await store.verdict(), seconds


def main(
    per_second: Annotated[float, typer.Option(min=1, max=200)] = 50,
    min_ready_seconds: Annotated[float, typer.Option(min=0, max=60)] = 5,
) -> None:
    console = Console()
    with console.status("restarting"):
        store, read, verdict, seconds = asyncio.run(run(per_second, min_ready_seconds))
    taken = store.taken
    title = f"Each service restarted in turn, {seconds:.0f} s"
    shown = Table(title=title, title_justify="left")
    for column in ("", "answered", "failed", "retries", "p50 ms", "p99 ms"):
        shown.add_column(column, justify="right")
    latency = [f"{taken.percentile_ms(share):.0f}" for share in (0.5, 0.99)]
    counts = [len(taken.captured), len(taken.failed), taken.retries.total()]
    shown.add_row("payments", *map(str, counts), *latency)
    reads = [len(read.seconds), len(read.failed), read.retries.total()]
    shown.add_row("reads", *map(str, reads))
    console.print(shown)
    console.print(f"retries: {dict(taken.retries + read.retries)}; {verdict}")
    console.print("\n".join([*taken.failed, *read.failed][:5]))
    raise typer.Exit(int(verdict != CLEAN or bool(taken.failed or read.failed)))


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
