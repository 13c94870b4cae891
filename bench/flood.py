"""`python -m bench.flood`: how one merchant's flood of requests affects another.

On its own stack, one shopper of a quiet merchant pays by one click again and again, alternately without
and with a second merchant that floods the gateway as fast as it can over many connections.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from bench.load import Measured, Storefront
from libs import terminal
from stack.demo_merchant import create_merchant
from stack.embedded import Stack
from stack.shop import Shop


def flood(url: str, secret_key: str, connections: int, seconds: float) -> Counter[int]:
    """Answers by status. Runs in a separate process, so that it does not delay the measurement."""
    return asyncio.run(_flood(url, secret_key, connections, seconds))


async def _flood(url: str, secret_key: str, connections: int, seconds: float) -> Counter[int]:
    answers: Counter[int] = Counter()
    ends = time.perf_counter() + seconds
    headers = {"Authorization": f"Bearer {secret_key}"}

    async def one(http: aiohttp.ClientSession) -> None:
        while time.perf_counter() < ends:
            async with http.get(f"{url}/v1/payments?limit=20", headers=headers) as response:
                await response.read()
            answers[response.status] += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(*(one(http) for _ in range(connections)))
    return answers


async def measure(
    seconds: int, connections: int, turns: int, settings: dict[str, str]
) -> tuple[Measured, Measured, Counter[int]]:
    """The quiet merchant's charges alone and during the flood, and the flood's answers."""
    alone, flooded, answers = Measured(), Measured(), Counter[int]()
    overrides = {"*": {"OTEL_TRACES_SAMPLER_ARG": "0.1"}, "gateway": settings}
    loop = asyncio.get_running_loop()
    with (
        tempfile.TemporaryDirectory(prefix="incasso-flood-") as folder,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as elsewhere,
    ):
        async with (
            Stack.start(Path(folder), env_overrides=overrides) as stack,
            aiohttp.ClientSession() as http,
        ):
            quiet, loud = [await create_merchant(stack, name) for name in ("Quiet", "Loud")]
            shop = Shop(http, stack.url, quiet.secret_key, stack.sandbox_url, stack.localstripe_url)
            await shop.lift_limits()
            customers = [await shop.customer("tok_visa") for _ in range(4)]
            store = Storefront(http, url=stack.url, secret_key=quiet.secret_key, run_id="flood")
            await store.load(customers, concurrency=1, seconds=2)
            for _ in range(turns):
                add(alone, await store.load(customers, concurrency=1, seconds=seconds))
                flooding = (stack.url, loud.secret_key, connections, seconds + 0.0)
                running = loop.run_in_executor(elsewhere, flood, *flooding)
                add(flooded, await store.load(customers, concurrency=1, seconds=seconds))
                answers += await running
    return alone, flooded, answers


def add(whole: Measured, part: Measured) -> None:
    whole.seconds += part.seconds
    whole.durations += part.durations
    whole.other += part.other


def table(rows: Sequence[tuple[str, Measured]]) -> Table:
    shown = Table(title="One-click charges of the quiet merchant", title_justify="left")
    for column in ("", "charges", "p50 ms", "p95 ms", "p99 ms", "not captured"):
        shown.add_column(column, justify="right")
    for name, found in rows:
        figures = [f"{found.percentile_ms(share):.1f}" for share in (0.5, 0.95, 0.99)]
        shown.add_row(name, str(len(found.durations)), *figures, str(dict(found.other) or ""))
    return shown


def main(
    seconds: Annotated[int, typer.Option(min=1, max=600)] = 20,
    connections: Annotated[int, typer.Option(min=1, max=2000)] = 200,
    turns: Annotated[int, typer.Option(min=1, max=20)] = 3,
    at_once: Annotated[
        int, typer.Option(help="INCASSO_MERCHANT_READS_AT_ONCE; 0: the default")
    ] = 0,
) -> None:
    settings = {"INCASSO_MERCHANT_READS_AT_ONCE": str(at_once)} if at_once else {}
    console = Console()
    with console.status("measuring"):
        alone, flooded, answers = asyncio.run(measure(seconds, connections, turns, settings))
    console.print(table([("alone", alone), (f"{connections} loud connections", flooded)]))
    console.print(f"answers to the flood by status: {dict(sorted(answers.items()))}")
    worse = flooded.percentile_ms(0.99) / max(alone.percentile_ms(0.99), 0.001)
    console.print(f"p99 {worse:.2f} times as long")


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
