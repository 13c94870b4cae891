"""`make bench-growth`: what lists of payments cost with few and with many payments of one merchant.

On a server of its own, filled by SQL. What counts are the pages of tables and indexes that a read
touches, which no busy machine changes; the time is that of the best read. Writes
bench/results/growth.json.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from libs import db, schema, terminal
from libs.db import Conn, Database
from libs.pages import Page
from services.payments.rules.states import State
from services.payments.store import payments
from services.payments.store.payments import Filter
from stack.postgres import throw_away_postgres

RESULTS = Path(__file__).parent / "results" / "growth.json"
MIGRATIONS: Final = Path(payments.__file__).parents[1] / "migrations"
MERCHANT: Final = "mer_growth"
READS: Final = 30
LIMIT: Final = 20
FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
EVERY: Final = timedelta(seconds=20)
ALLOWED: Final = 1.2
# Two in a hundred were declined, forty wait, and each customer has ten, of however many.
_FILL: Final = """
INSERT INTO payments (merchant_id, id, state, amount_minor, currency, capturable_minor, capture,
    order_reference, method, initiator, customer_id, exemption, candidates, psp_account_id,
    psp_account, psp_reference, created_at, authorised_minor, captured_minor, instrument_id,
    mandate_reference, return_url, description, metadata, trace_id, traceparent, actor,
    next_action_url)
SELECT $1, 'pay_' || lpad(n::text, 26, '0'),
    CASE WHEN n % ($2 / 40) = 5 THEN 'pending' WHEN n % 50 = 7 THEN 'declined' ELSE 'captured' END,
    1000, 'EUR', 0, 'now', 'A-' || n, 'one_click', 'customer', 'cus_' || n % ($2 / 10), 'none',
    '[]', 'psa_1', 'sandbox-a', 'ch_' || n, $3::timestamptz + n * $4::interval, 1000,
    CASE WHEN n % ($2 / 40) = 5 OR n % 50 = 7 THEN 0 ELSE 1000 END, 'ins_1', '', '', '', '{}', '',
    '', 'key_1', ''
FROM generate_series(1, $2::int) AS n"""


def lists(rows: int) -> Mapping[str, tuple[Filter, str]]:
    """Filters, and the id before which the page begins. The newest page is the first one."""
    end, middle = FIRST + rows * EVERY, FIRST + rows * EVERY / 2
    newest, oldest = "pay_~", f"pay_{LIMIT:026d}"
    return {
        "newest": (Filter(), newest),
        "last page": (Filter(), oldest),
        "captured": (Filter(state=State.CAPTURED), newest),
        "declined": (Filter(state=State.DECLINED), newest),
        "pending, which is rare": (Filter(state=State.PENDING), newest),
        "authorised, which none is": (Filter(state=State.AUTHORISED), newest),
        "one order": (Filter(order_reference=f"A-{rows // 2}"), newest),
        "one customer": (Filter(customer_id="cus_7"), newest),
        "the last hour": (Filter(created_from=end - timedelta(hours=1)), newest),
        "an hour long ago": (
            Filter(created_from=middle, created_to=middle + timedelta(hours=1)),
            newest,
        ),
    }


@dataclass(frozen=True)
class Read:
    """Of one page: pages of 8 kB that were touched, and the best time."""

    pages: float
    best_ms: float


async def measure(url: str, rows: int) -> dict[str, Read]:
    await schema.migrate(url, "payments", MIGRATIONS)
    database = await db.connect(url, pool_size=1, service="bench")
    try:
        async with database.connection() as conn:
            await conn.raw.execute(_FILL, MERCHANT, rows, FIRST, EVERY, timeout=3600)
            await conn.raw.execute("VACUUM ANALYZE payments", timeout=3600)
        return {name: await best(database, *list_) for name, list_ in lists(rows).items()}
    finally:
        await database.close()


async def best(database: Database, wanted: Filter, before: str) -> Read:
    page = Page(limit=LIMIT, before=before)
    async with database.connection() as conn:
        began, best_seconds = await touched(conn), float("inf")
        for _ in range(READS):
            started = time.perf_counter()
            await payments.list_page(conn, MERCHANT, wanted, page)
            best_seconds = min(best_seconds, time.perf_counter() - started)
        pages = (await touched(conn) - began) / READS
    return Read(round(pages, 1), round(1000 * best_seconds, 2))


async def touched(conn: Conn) -> int:
    """Pages that this database's only connection has touched."""
    await conn.fetchval("SELECT pg_stat_force_next_flush()")
    return int(
        await conn.fetchval(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
        )
    )


def table(few: int, many: int, found: Mapping[str, Mapping[str, float]]) -> Table:
    shown = Table(title="A page of payments", title_justify="left", title_style="bold")
    shown.add_column("")
    for column in (f"pages of {few:,}", f"of {many:,}", "times", f"ms of {few:,}", f"of {many:,}"):
        shown.add_column(column, justify="right")
    for name, row in found.items():
        worse = "[red]" if row["times"] > ALLOWED else ""
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
    with throw_away_postgres() as server, console.status("filling and reading"):
        server.ensure_databases(["few", "many"])
        small = asyncio.run(measure(server.url("few"), few))
        large = asyncio.run(measure(server.url("many"), many))
    found: dict[str, Any] = {
        name: {
            "few_pages": small[name].pages,
            "many_pages": large[name].pages,
            "times": round(large[name].pages / max(small[name].pages, 1), 2),
            "few_ms": small[name].best_ms,
            "many_ms": large[name].best_ms,
        }
        for name in small
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"few": few, "many": many, "lists": found}, indent=2) + "\n")
    console.print(table(few, many, found))


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
