"""`make bench-console`: time to first paint of each console page, for a merchant with 1,000,000 payments,
links and ledger entries.

Uses a whole stack, filled by SQL, and a browser. Visits every page whose path has no parameter, in the
order of the routes, then one payment, some searches and reports. Writes bench/results/console.json.
"""

import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from playwright.async_api import Page
from rich.console import Console
from rich.table import Table

from bench import ledger_books
from bench.cost import Meter
from bench.growing_lists import EVERY, FIRST, SUBJECTS
from incasso.merchants.v1 import sessions_pb2
from libs import db, terminal
from services.console.routes import PAGES
from stack.console_visits import visit
from stack.demo_member import join
from stack.demo_merchant import create_merchant
from stack.embedded import Stack
from stack.topology import DEMO_PASSWORD

RESULTS: Final = Path(__file__).parent / "results" / "console.json"
EMAIL: Final = "bench@shop.example"
VISITS: Final = 5
ALLOWED_MS: Final = 1000
SHOWN: Final = 12
TABLES: Final = ("payments", "links")
_PAINTED: Final = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# The rows behind sales reports and order figures.
_ORDERS: Final = """
INSERT INTO paid_orders (merchant_id, order_key, currency, ordered_on, customer_id, methods, revenue_minor)
SELECT $1, 'A-' || n, 'EUR', current_date - (n % 700)::int, 'cus_' || n % ($2 / 10), '{one_click}', 1000
FROM generate_series(1, $2::int) AS n"""


def paths(rows: int) -> Iterator[str]:
    """All pages without a parameter in their path, then one payment, some searches and reports."""
    for page in PAGES:
        if page.method == "GET" and "{" not in page.path:
            yield page.path
    yield f"/payments/pay_{rows // 2:026d}"
    yield "/payments?state=declined"
    yield "/payments?last4=4242"
    yield f"/search?q=A-{rows // 2}"
    yield "/search?q=4242"
    yield "/reports/daily_sales"
    yield "/reports/trial_balance"


async def fill(
    stack: Stack, merchant_id: str, rows: int, say: Callable[[str], None]
) -> Mapping[str, Any]:
    async with Meter(stack) as meter:
        for subject in SUBJECTS:
            if subject.table in TABLES:
                say(f"writing {rows:,} {subject.table}")
                await meter.run(subject.service, subject.fill, merchant_id, rows, FIRST, EVERY)
                await meter.run(subject.service, f"VACUUM ANALYZE {subject.table}")
        say(f"writing {rows:,} orders")
        await meter.run("reporting", _ORDERS, merchant_id, rows)
    database = await db.connect(
        stack.owner_url("reporting"), pool_size=1, service="bench", statement_seconds=None
    )
    try:
        async with database.connection() as conn:
            return await ledger_books.fill(conn, rows, say, merchant_id)
    finally:
        await database.close()


async def painted(page: Page, url: str) -> list[float]:
    """Milliseconds from request to first paint, for each visit."""
    found = []
    for _ in range(VISITS):
        answer = await page.goto(url)
        if answer is None or not answer.ok:
            raise RuntimeError(f"{url}: {answer and answer.status}")
        seen = await page.wait_for_function(_PAINTED)
        found.append(float(await seen.json_value()))
    return found


async def measure(rows: int, say: Callable[[str], None]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="incasso-console-") as folder:
        async with Stack.start(Path(folder), console=True) as stack:
            merchant = await create_merchant(stack, "Console", plan="enterprise")
            who = {"email": EMAIL, "password": DEMO_PASSWORD, "name": "Ada Bench"}
            await join(stack, merchant.merchant_id, **who, role=sessions_pb2.ROLE_OWNER)
            filled = await fill(stack, merchant.merchant_id, rows, say)
            pages = {}
            async with visit(stack.console_url, EMAIL) as page:
                for path in paths(rows):
                    say(f"looking at {path}")
                    took = await painted(page, stack.console_url + path)
                    pages[path] = {
                        "median_ms": round(statistics.median(took)),
                        "worst_ms": round(max(took)),
                    }
    return {"rows": rows, "load": round(os.getloadavg()[0], 1), **filled, "pages": pages}


def table(found: Mapping[str, Any]) -> Table:
    pages = sorted(found["pages"].items(), key=lambda each: -each[1]["median_ms"])
    shown = Table(
        title=f"The slowest of {len(pages)} pages, with {found['rows']:,} rows per list",
        title_justify="left",
        title_style="bold",
    )
    for column in ("first paint, ms", "median", "worst"):
        shown.add_column(column, justify="left" if "," in column else "right")
    for path, took in pages[:SHOWN]:
        late = "[red]" if took["median_ms"] > ALLOWED_MS else ""
        shown.add_row(path, f"{late}{took['median_ms']}", str(took["worst_ms"]))
    return shown


def main(rows: Annotated[int, typer.Option(min=1000)] = 1_000_000) -> None:
    console = Console()
    with console.status("") as status:
        found = asyncio.run(measure(rows, status.update))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    console.print(table(found))


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
