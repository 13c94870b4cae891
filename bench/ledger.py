"""`make bench-ledger`: how many postings per second reporting books, and how long a trial balance over 10,000,000 entries takes.

The events arrive through NATS, once with reporting's consumer alone and once on a whole stack (ledger_stack.py); PostgreSQL runs with
fsync on. The entries are loaded by COPY, spread over two years. Writes bench/results/ledger.json.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from bench import ledger_stack
from bench.ledger_books import MERCHANT, MIDDLE, SUM_OF_POSTINGS, fill
from bench.ledger_events import events
from libs import bus as buses
from libs import consumer, db, schema, terminal
from libs.bus import Bus, Event
from libs.db import Database
from libs.tasks import cancel
from services.reporting import worker
from services.reporting.store import reports
from stack.nats import throw_away_nats
from stack.postgres import Postgres, running
from stack.process import free_ports

RESULTS: Final = Path(__file__).parent / "results" / "ledger.json"
MIGRATIONS: Final = Path(__file__).parents[1] / "services" / "reporting" / "migrations"
READS: Final = 20
PUBLISHED_AT_ONCE: Final = 500
LOOK_SECONDS: Final = 0.05


@contextmanager
def durable_postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="incasso-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder / "data", free_ports(1)[0])
        server.initialise()
        with (folder / "log").open("wb") as log, running(server, log.fileno()):
            yield server


async def opened(server: Postgres, name: str) -> Database:
    """A new, empty ledger."""
    server.ensure_databases([name])
    await schema.migrate(server.url(name), "reporting", MIGRATIONS)
    return await db.connect(server.url(name), pool_size=4, service="bench", statement_seconds=None)


async def sustained(server: Postgres, nats_url: str, count: int) -> dict[str, Any]:
    """Measured from the first fetch to the last commit."""
    database = await opened(server, "sustained")
    bus = await buses.connect(nats_url, service="reporting")
    reader = consumer.Consumer("reporting", database, bus, worker.handlers(in_rome))
    await reader.set_up()
    messages = events(count)
    await publish(bus, messages)
    cpu, began = time.process_time(), time.perf_counter()
    running_reader = asyncio.create_task(reader.run())
    while await booked(database) < count:  # noqa: ASYNC110 - the consumer does not signal it
        await asyncio.sleep(LOOK_SECONDS)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    await cancel([running_reader])
    async with database.connection() as conn:
        postings = await conn.fetchval("SELECT count(*) FROM postings")
    await bus.close()
    await database.close()
    return {
        "events": count,
        "postings": postings,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "events_per_second": round(count / seconds),
        "postings_per_second": round(postings / seconds),
    }


async def in_rome(_: str) -> str:
    """The time zone, asked once per merchant."""
    return "Europe/Rome"


async def publish(bus: Bus, messages: Sequence[Event]) -> None:
    for at in range(0, len(messages), PUBLISHED_AT_ONCE):
        await asyncio.gather(
            *(
                bus.publish(event.address, event.body, event.headers(event.traceparent))
                for event in messages[at : at + PUBLISHED_AT_ONCE]
            )
        )


async def booked(database: Database) -> int:
    async with database.connection() as conn:
        found: int = await conn.fetchval("SELECT count(*) FROM inbox")
        return found


async def reading(server: Postgres, entries: int, say: Callable[[str], None]) -> dict[str, Any]:
    database = await opened(server, "reading")
    try:
        async with database.connection() as conn:
            filled = await fill(conn, entries, say)

            async def balance(**asked: Any) -> None:
                asked = {"on": None, "currency": None, "by_party": False} | asked
                assert await reports.totals(conn, MERCHANT, **asked)

            async def statement() -> None:
                where = {"party": None, "booked_from": None, "booked_to": None, "before": None}
                assert await reports.statement(
                    conn, MERCHANT, "psp_receivable", "EUR", **where, limit=100
                )

            say("reading")
            reads = {
                "trial_balance": balance,
                "trial_balance_by_party": lambda: balance(by_party=True),
                "trial_balance_of_a_day_in_the_middle": lambda: balance(on=MIDDLE),
                "page_of_a_statement": statement,
            }
            found = {name: await timed(read) for name, read in reads.items()}
            began = time.perf_counter()
            await conn.fetch(SUM_OF_POSTINGS, MERCHANT)
            summed = round(1000 * (time.perf_counter() - began))
    finally:
        await database.close()
    return {**filled, **found, "sum_of_all_postings_ms": summed}


async def timed(read: Callable[[], Awaitable[object]]) -> dict[str, float]:
    took = []
    for _ in range(READS):
        began = time.perf_counter()
        await read()
        took.append(1000 * (time.perf_counter() - began))
    return {"median_ms": round(statistics.median(took), 1), "worst_ms": round(max(took), 1)}


def main(
    count: Annotated[int, typer.Option("--events", min=1000)] = 20_000,
    entries: Annotated[int, typer.Option(min=1000)] = 10_000_000,
) -> None:
    console = Console()
    with durable_postgres() as server, throw_away_nats() as nats, console.status("") as status:
        busy = os.getloadavg()[0]
        results: dict[str, Any] = {"load_before": round(busy, 1)}
        status.update(f"booking {count:,} events on a whole stack")
        results["in_the_stack"] = asyncio.run(ledger_stack.measured(count))
        status.update(f"booking {count:,} events")
        results["sustained"] = asyncio.run(sustained(server, nats.url, count))
        results["reading"] = asyncio.run(reading(server, entries, status.update))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    console.print_json(data=results)


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
