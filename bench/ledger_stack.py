"""How many postings per second reporting books on a whole stack, where all other consumers receive the events too.

PaymentCaptured events are written into payments' outbox like a backlog and take the usual path: payments' relay, NATS and every
consumer of the stack. For comparison, the same stack's maximum charges per second are measured just before.
"""

import asyncio
import secrets
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp

from bench.load import Storefront
from incasso.common.v1.money_pb2 import Money
from incasso.payments.v1 import events_pb2 as payments
from incasso.payments.v1 import payments_pb2
from libs import db, descriptors, ids, outbox, services
from libs.db import Conn, Database
from libs.outbox import NewEvent
from stack.demo_merchant import create_merchant
from stack.embedded import Stack
from stack.shop import Shop

CUSTOMERS: Final = 32
SHOPPERS: Final = 32
CHARGING_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.05
STUCK_SECONDS: Final = 300.0
QUIET_SECONDS: Final = 3.0
_COUNT: Final = "SELECT count(*) FROM entries WHERE merchant_id = $1"


async def measured(events: int) -> dict[str, Any]:
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
            before = await _sizes(stack)
            charges, captured = await _charges(shop, http, stack, merchant.secret_key)
            after = await _sizes(stack)
            payments_db, reporting = [
                await db.connect(stack.database_url(name), pool_size=1, service="bench")
                for name in ("payments", "reporting")
            ]
            try:
                found = await _postings(payments_db, reporting, merchant.merchant_id, events)
            finally:
                await payments_db.close()
                await reporting.close()
    ratio = found["postings_per_second"] / charges if charges else 0
    grown = {name: round((after[name] - before[name]) / captured) for name in after}
    return {
        **found,
        "charges_per_second": round(charges, 1),
        "ratio": round(ratio, 1),
        "disk_bytes_of_a_charge": grown,
    }


async def _sizes(stack: Stack) -> dict[str, int]:
    """Size of each service's database, in bytes."""
    database = await db.connect(stack.database_url("payments"), pool_size=1, service="bench")
    async with database.connection() as conn:
        rows = await conn.fetch(
            "SELECT datname, pg_database_size(datname) AS size FROM pg_database WHERE datname = ANY ($1)",
            list(services.NAMES),
        )
    await database.close()
    return {row["datname"]: row["size"] for row in rows}


async def _charges(
    shop: Shop, http: aiohttp.ClientSession, stack: Stack, key: str
) -> tuple[float, int]:
    """Charges per second, and the total captured."""
    await shop.lift_limits()
    customers = [await shop.customer("tok_visa") for _ in range(CUSTOMERS)]
    storefront = Storefront(http, url=stack.url, secret_key=key, run_id=secrets.token_hex(4))
    first = await storefront.pay(customers, concurrency=SHOPPERS, seconds=3)  # warms up
    load = await storefront.pay(customers, concurrency=SHOPPERS, seconds=CHARGING_SECONDS)
    await asyncio.sleep(QUIET_SECONDS)  # lets events and mails catch up
    return load.per_second, first.captured + load.captured


async def _postings(
    payments_db: Database, reporting: Database, merchant_id: str, events: int
) -> dict[str, Any]:
    """Measured from the first event booked to the last."""
    before = await _quiet(reporting, merchant_id)
    captures = [_captured(merchant_id, number) for number in range(events)]
    async with payments_db.transaction() as conn:
        await outbox.append(conn, *captures)
    return await _booked(reporting, merchant_id, before, events)


def _captured(merchant_id: str, number: int) -> NewEvent:
    amount = Money(amount_minor=5990 + number % 1000, currency="EUR")
    payment = payments_pb2.Payment(
        id=ids.new("pay"),
        amount=amount,
        order_reference=f"bench-{number}",
        method="one_click",
        psp_account="sandbox-a",
    )
    message = payments.PaymentCaptured(payment=payment, amount_minor=amount.amount_minor)
    subject, body = descriptors.subject_of(message), message.SerializeToString()
    return NewEvent(merchant_id, payment.id, subject, body, datetime.now(UTC))


async def _quiet(reporting: Database, merchant_id: str) -> int:
    """The number of entries once all earlier charges are booked."""
    count, since = -1, time.monotonic()
    while time.monotonic() < since + QUIET_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        found = await reporting.run(_counted, merchant_id)
        if found != count:
            count, since = found, time.monotonic()
    return count


async def _counted(conn: Conn, merchant_id: str) -> int:
    found: int = await conn.fetchval(_COUNT, merchant_id)
    return found


async def _booked(
    reporting: Database, merchant_id: str, before: int, events: int
) -> dict[str, Any]:
    first, count = 0.0, 0
    last = time.monotonic() + STUCK_SECONDS
    while count < events:
        await asyncio.sleep(LOOK_SECONDS)
        count = await reporting.run(_counted, merchant_id) - before
        first = first or (time.perf_counter() if count else 0.0)
        if time.monotonic() > last:
            raise RuntimeError(f"{count} of {events} events were booked")
    seconds = time.perf_counter() - first
    return {
        "events": events,
        "seconds": round(seconds, 1),
        "postings_per_second": round(events / seconds),
    }
