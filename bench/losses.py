"""`python -m bench.losses`: what shops notice when a server fails under load.

On its own stack with a synchronous standby and three NATS nodes, a storefront sells at a steady
rate while PostgreSQL's primary is killed and its standby promoted, then while the stream's leader
in NATS is killed. Exits with 1 if a charge is lost or made twice, or an event is lost.
"""

import asyncio
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from bench.cost import Meter
from libs import db, terminal
from stack.demo_merchant import create_merchant
from stack.embedded import Stack
from stack.shop import Shop
from stack.steady import SteadyStorefront, Taken, Verdict

BEFORE_SECONDS, AFTER_SECONDS = 10.0, 40.0
HANDLED_SECONDS = 120.0
CLEAN = Verdict([], [], [])
READERS = ("notify", "reporting")
_CAPTURES = """SELECT event_id FROM outbox
    WHERE subject = 'incasso.payments.payment.captured' AND aggregate_id = ANY($1)"""
_READ = "SELECT count(*) FROM inbox WHERE consumer = $1 AND event_id = ANY($2)"

Loss = Callable[[Stack], Awaitable[None]]


@dataclass(frozen=True)
class Found:
    what: str
    taken: Taken
    verdict: Verdict
    lost_events: int

    @property
    def clean(self) -> bool:
        return self.verdict == CLEAN and not self.taken.failed and not self.lost_events


async def lose_primary(stack: Stack, notice_seconds: float) -> None:
    await stack.stop("postgres", signal.SIGKILL)
    await asyncio.sleep(notice_seconds)
    await asyncio.to_thread(stack.promote_standby)


async def lose_leading_node(stack: Stack) -> None:
    await stack.stop(await stack.leading_node(), signal.SIGKILL)


async def measure(stack: Stack, shop: Shop, what: str, rate: float, lose: Loss) -> Found:
    customers = [await shop.customer("tok_visa") for _ in range(5)]
    store = SteadyStorefront(shop, customers, lambda: stack.url)
    async with store.selling(rate) as taken:
        await asyncio.sleep(BEFORE_SECONDS)
        await lose(stack)
        await asyncio.sleep(AFTER_SECONDS)
    return Found(what, taken, await store.verdict(), await events_lost(stack, taken))


async def events_lost(stack: Stack, taken: Taken) -> int:
    """Capture events that a reader has not handled by the time the backlog is empty."""
    async with Meter(stack) as meter:
        await meter.rest()
    paid = list(taken.captured.values())
    payments = await db.connect(stack.database_url("payments"), pool_size=1, service="bench")
    async with payments.connection() as conn:
        events = [row["event_id"] for row in await conn.fetch(_CAPTURES, paid)]
    await payments.close()
    missing = len(paid) - len(events)
    for reader in READERS:
        missing += len(events) - await handled(stack, reader, events)
    return missing


async def handled(stack: Stack, reader: str, events: list[str]) -> int:
    """How many of the events the reader handled, once it has handled them all or time is up."""
    database = await db.connect(stack.database_url(reader), pool_size=1, service="bench")
    ends, count = time.monotonic() + HANDLED_SECONDS, 0
    while count < len(events) and time.monotonic() < ends:
        async with database.connection() as conn:
            count = await conn.fetchval(_READ, reader, events)
        await asyncio.sleep(0.2)
    await database.close()
    return count


async def run(rate: float, notice_seconds: float) -> list[Found]:
    overrides = {"*": {"OTEL_TRACES_SAMPLER_ARG": "0.1"}}
    with tempfile.TemporaryDirectory(prefix="incasso-losses-") as folder:
        async with (
            Stack.start(Path(folder), env_overrides=overrides, redundant=True) as stack,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http,
        ):
            merchant = await create_merchant(stack, "Losses")
            key, books = merchant.secret_key, stack.sandbox_url
            shop = Shop(http, stack.url, key, books, stack.localstripe_url, recorded=0.1)
            await shop.lift_limits()
            return [
                await measure(stack, shop, "NATS: the stream's leader", rate, lose_leading_node),
                await measure(
                    stack,
                    shop,
                    "PostgreSQL's primary",
                    rate,
                    lambda stack: lose_primary(stack, notice_seconds),
                ),
            ]


def table(found: Sequence[Found]) -> Table:
    shown = Table(title="Servers lost under load", title_justify="left")
    names = ("", "payments", "failed", "retries", "longest pause s", "p50 ms", "p99 ms")
    for column in (*names, "lost", "charged twice", "unknown charges", "events lost"):
        shown.add_column(column, justify="right")
    for one in found:
        taken = one.taken
        figures = [f"{taken.longest_pause:.1f}"]
        figures += [f"{taken.percentile_ms(share):.0f}" for share in (0.5, 0.99)]
        counts = [len(taken.captured), len(taken.failed), taken.retries.total()]
        wrong = [*(len(orders) for orders in vars(one.verdict).values()), one.lost_events]
        shown.add_row(one.what, *map(str, counts), *figures, *map(str, wrong))
    return shown


def main(
    per_second: Annotated[float, typer.Option(min=1, max=200)] = 50,
    notice_seconds: Annotated[
        float, typer.Option(help="from the loss of the primary to the promotion")
    ] = 5,
) -> None:
    console = Console()
    with console.status("measuring"):
        found = asyncio.run(run(per_second, notice_seconds))
    console.print(table(found))
    for one in found:
        console.print(f"{one.what}: retries after {dict(one.taken.retries)}")
        console.print("\n".join(one.taken.failed[:5]))
    raise typer.Exit(0 if all(one.clean for one in found) else 1)


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
