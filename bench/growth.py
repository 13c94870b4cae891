"""`make bench-growth`: what lists and a charge cost when one merchant has few or many payments, links,
messages and events.

Lists are read from a separate server, filled by SQL. What counts is the number of table and index pages
that a read touches, which a busy machine does not change; the time is that of the fastest read. For the
charge see bench.growing_charge. Writes bench/results/growth.json.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from bench import growing_charge
from bench.growing_lists import EVERY, FIRST, MERCHANT, SUBJECTS, Read, Subject
from libs import db, schema, terminal
from libs.db import Conn, Database
from stack.postgres import throw_away_postgres

RESULTS = Path(__file__).parent / "results" / "growth.json"
READS: Final = 30
ALLOWED: Final = 1.2
DEEPER: Final = 5  # extra pages allowed, since the indexes of larger tables have more levels


@dataclass(frozen=True)
class Cost:
    """Cost of one page of a list: 8 kB pages touched, and the fastest read."""

    pages: float
    best_ms: float


async def measure(url: str, subject: Subject, rows: int) -> dict[str, Cost]:
    """`url`: of an empty database."""
    await schema.migrate(url, subject.service, subject.migrations)
    database = await db.connect(url, pool_size=1, service="bench")
    try:
        async with database.connection() as conn:
            await conn.raw.execute(subject.fill, MERCHANT, rows, FIRST, EVERY, timeout=3600)
            await conn.raw.execute(f"VACUUM ANALYZE {subject.table}", timeout=3600)
        return {
            f"{subject.table}: {name}": await best(database, read)
            for name, read in subject.reads(rows).items()
        }
    finally:
        await database.close()


async def best(database: Database, read: Read) -> Cost:
    async with database.connection() as conn:
        await read(conn)  # loads types and the plan, which later reads reuse
        began, best_seconds = await touched(conn), float("inf")
        for _ in range(READS):
            started = time.perf_counter()
            await read(conn)
            best_seconds = min(best_seconds, time.perf_counter() - started)
        pages = (await touched(conn) - began) / READS
    return Cost(round(pages, 1), round(1000 * best_seconds, 2))


async def touched(conn: Conn) -> int:
    """Pages touched so far by this database's only connection."""
    await conn.fetchval("SELECT pg_stat_force_next_flush()")
    return int(
        await conn.fetchval(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
        )
    )


def table(few: int, many: int, found: Mapping[str, Mapping[str, float]]) -> Table:
    shown = Table(title="Cost of one page of a list", title_justify="left", title_style="bold")
    shown.add_column("", no_wrap=True)
    for column in (f"pages at {few:,}", f"at {many:,}", "times", f"ms at {few:,}", f"at {many:,}"):
        shown.add_column(column, justify="right")
    for name, row in found.items():
        more = row["many_pages"] - row["few_pages"]
        worse = "[red]" if row["times"] > ALLOWED and more > DEEPER else ""
        shown.add_row(
            name,
            f"{row['few_pages']:g}",
            f"{row['many_pages']:g}",
            f"{worse}{row['times']:.2f}",
            f"{row['few_ms']:g}",
            f"{row['many_ms']:g}",
        )
    return shown


def main(
    few: Annotated[int, typer.Option(min=1000)] = 10_000,
    many: Annotated[int, typer.Option(min=1000)] = 1_000_000,
) -> None:
    console = Console()
    small, large = dict[str, Cost](), dict[str, Cost]()
    with throw_away_postgres() as server, console.status("filling and reading"):
        for subject in SUBJECTS:
            for size, rows, found in (("few", few, small), ("many", many, large)):
                name = f"{size}_{subject.table}"
                server.ensure_databases([name])
                found.update(asyncio.run(measure(server.url(name), subject, rows)))
    compared: dict[str, Any] = {
        name: {
            "few_pages": small[name].pages,
            "many_pages": large[name].pages,
            "times": round(large[name].pages / max(small[name].pages, 1), 2),
            "few_ms": small[name].best_ms,
            "many_ms": large[name].best_ms,
        }
        for name in small
    }
    with console.status("charging"):
        charges = [asyncio.run(growing_charge.measure(rows)) for rows in (few, many)]
    both = [asdict(charge) for charge in charges]
    results = {"few": few, "many": many, "lists": compared, "charge": both}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    console.print(table(few, many, compared))
    console.print(growing_charge.table(few, many, *charges))


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
