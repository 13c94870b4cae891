"""`make bench-links`: links created, pages opened and links paid, one at a time and under load.

As with `make bench`, everything shares the machine, including the load generator. Writes
bench/results/links.json.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from bench.load import Measured
from libs import terminal
from stack.demo_merchant import create_merchant
from stack.embedded import Stack
from stack.payer import Payer
from stack.shop import Shop

RESULTS = Path(__file__).parent / "results" / "links.json"
VISA = "4242424242424242"
OPENED = 50  # links whose pages are opened in turn
WARM_UP = 20

Step = Callable[[], Awaitable[bool]]


async def load(step: Step, *, concurrency: int, seconds: float) -> Measured:
    """Runs `concurrency` clients, each of which starts the next step as soon as the last is answered."""
    measured = Measured()
    started = time.perf_counter()

    async def person() -> None:
        while (began := time.perf_counter()) < started + seconds:
            if await step():
                measured.durations.append(time.perf_counter() - began)
            else:
                measured.other["not as expected"] += 1

    await asyncio.gather(*(person() for _ in range(concurrency)))
    measured.seconds = time.perf_counter() - started
    return measured


def steps(shop: Shop, payer: Payer, urls: list[str]) -> dict[str, Step]:
    turns = iter(range(10**9))

    async def make() -> bool:
        return (await shop.link(100)).status == 201  # noqa: PLR2004 - HTTP

    async def show() -> bool:
        return (await payer.open(urls[next(turns) % len(urls)])).view == "open"

    async def pay() -> bool:
        link = (await shop.link(100)).expect(201)
        page = await payer.pay(await payer.open(link["url"]), VISA)
        return page.view == "paid"

    return {"link made": make, "page opened": show, "made, opened, paid": pay}


async def measure(seconds: int, concurrency: int) -> dict[str, Any]:
    sampling = {"*": {"OTEL_TRACES_SAMPLER_ARG": "0.1"}}
    with tempfile.TemporaryDirectory(prefix="incasso-bench-") as folder:
        async with (
            Stack.start(Path(folder), env_overrides=sampling) as stack,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        ):
            merchant = await create_merchant(stack, "Bench", plan="enterprise")
            shop = Shop(
                http, stack.url, merchant.secret_key, stack.sandbox_url, stack.localstripe_url
            )
            payer = Payer(http, stack.sandbox_url)
            urls = [(await shop.link(100)).expect(201)["url"] for _ in range(OPENED)]
            found: dict[str, Any] = {}
            for name, step in steps(shop, payer, urls).items():
                for _ in range(WARM_UP):
                    await step()
                alone = await load(step, concurrency=1, seconds=seconds)
                many = await load(step, concurrency=concurrency, seconds=seconds)
                found[name] = {"alone": figures(alone), "saturated": figures(many)}
            return found


def figures(measured: Measured) -> dict[str, Any]:
    return {
        "per_second": round(measured.per_second, 1),
        "p50_ms": round(measured.percentile_ms(0.50), 1),
        "p95_ms": round(measured.percentile_ms(0.95), 1),
        "p99_ms": round(measured.percentile_ms(0.99), 1),
        "other": sum(measured.other.values()),
    }


def table(found: dict[str, Any]) -> Table:
    shown = Table(title="Payment links", title_justify="left", title_style="bold")
    columns = ("per_second", "p50_ms", "p95_ms", "p99_ms", "other")
    shown.add_column("")
    for column in columns:
        shown.add_column(column.replace("_", " "), justify="right")
    for name, both in found.items():
        for how, row in both.items():
            shown.add_row(f"{name}, {how}", *(f"{row[column]:g}" for column in columns))
    return shown


def main(
    seconds: Annotated[int, typer.Option(min=1, max=600)] = 10,
    concurrency: Annotated[int, typer.Option(min=1, max=500)] = 16,
) -> None:
    console = Console()
    with console.status("measuring"):
        found = asyncio.run(measure(seconds, concurrency))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    console.print(table(found))


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
