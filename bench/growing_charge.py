"""What a one-click charge costs for a merchant with few or many payments, links, messages and events.

Each size gets its own stack, whose tables are filled by SQL. Pages and WAL are meaningful even on a busy
machine. CPU time covers all services, PostgreSQL and NATS; memory covers the services.
"""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import aiohttp
import psutil
from rich.table import Table

from bench.cost import Meter
from bench.growing_lists import EVERY, FIRST, SUBJECTS
from bench.load import Measured, Storefront
from libs import services
from stack.demo_merchant import DemoMerchant, create_merchant
from stack.embedded import Stack
from stack.shop import Shop

CHARGES: Final = 400
CUSTOMERS: Final = 20
_TOUCHED: Final = """
SELECT sum(blks_hit + blks_read) FROM pg_stat_database WHERE datname = ANY($1::text[])"""


@dataclass(frozen=True)
class Charge:
    """`pages`: 8 kB pages touched per charge, including polling and consumers. `memory_mb`: sum over
    all services' processes after the charges.
    """

    pages: float
    wal_bytes: float
    cpu_ms: float
    memory_mb: float


async def measure(rows: int) -> Charge:
    with tempfile.TemporaryDirectory(prefix="incasso-growth-") as folder:
        async with (
            Stack.start(Path(folder)) as stack,
            aiohttp.ClientSession() as http,
            Meter(stack) as meter,
        ):
            merchant = await create_merchant(stack, "Growth", plan="enterprise")
            for subject in SUBJECTS:
                values = (merchant.merchant_id, rows, FIRST, EVERY)
                await meter.run(subject.service, subject.fill, *values)
                await meter.run(subject.service, f"VACUUM ANALYZE {subject.table}")
            return await _charges(stack, http, meter, merchant)


async def _charges(
    stack: Stack, http: aiohttp.ClientSession, meter: Meter, merchant: DemoMerchant
) -> Charge:
    shop = Shop(http, stack.url, merchant.secret_key, stack.sandbox_url, stack.localstripe_url)
    await shop.lift_limits()
    customers = [await shop.customer("tok_visa") for _ in range(CUSTOMERS)]
    store = Storefront(http, url=stack.url, secret_key=merchant.secret_key, run_id="growth")

    async def pay(count: int) -> Measured:
        done = Measured()
        for turn in range(count):
            await store.charge(customers[turn % CUSTOMERS], done)
        return done

    await pay(CUSTOMERS)  # warms up plans, caches and pools
    await meter.rest()
    before = await meter.value("postgres", _TOUCHED, list(services.NAMES))
    done, spent = await meter.spent(lambda: pay(CHARGES))
    pages = await meter.value("postgres", _TOUCHED, list(services.NAMES)) - before
    if done.other:
        raise RuntimeError(f"not captured: {dict(done.other)}")
    memory = sum(psutil.Process(stack.pid(name)).memory_info().rss for name in services.NAMES)
    return Charge(
        round(pages / CHARGES, 1),
        round(spent.wal_bytes / CHARGES),
        round(1000 * spent.all_seconds / CHARGES, 1),
        round(memory / 2**20, 1),
    )


def table(few: int, many: int, small: Charge, large: Charge) -> Table:
    shown = Table(title="A one-click charge", title_justify="left", title_style="bold")
    shown.add_column("")
    for column in (f"with {few:,}", f"with {many:,}", "times"):
        shown.add_column(column, justify="right")
    for (name, before), after in zip(asdict(small).items(), asdict(large).values(), strict=True):
        shown.add_row(name.replace("_", " "), f"{before:g}", f"{after:g}", f"{after / before:.2f}")
    return shown
