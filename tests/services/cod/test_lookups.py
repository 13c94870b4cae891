"""Looking up couriers' events and orders reads few pages, even before PostgreSQL has statistics."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
import pytest_asyncio

from libs.db import Conn, Database
from services.cod.store import courier_events, orders

ROWS: Final = 5_000  # events and orders of one courier; never analysed
LOOKED_FOR: Final = 200
PAGES_OF_ONE: Final = 8  # down an index to a row, and once more to lock and to read it
_EVENTS: Final = """
INSERT INTO courier_events (merchant_id, id, courier_id, event_id, tracking_number, kind, occurred_at, outcome, received_at)
SELECT 'mer_1', 'cev_' || n, 'cou_1', 'E' || n, 'GL' || n, 'collected', now(), 'waiting', now()
FROM generate_series(1, $1::int) AS n"""
_ORDERS: Final = """
INSERT INTO orders (merchant_id, id, state, order_reference, amount_minor, currency, fee_minor, fee_net_minor,
    fee_vat_minor, deposit_minor, to_collect_minor, collected_minor, cut_minor, courier_id, mode, address_country,
    locale, lines, categories, failed_methods, needs_confirmation, attempts, changes, metadata, trace_id, created_at)
SELECT 'mer_1', 'cod_' || n, 'confirmed', 'O' || n, 5000, 'EUR', 0, 0, 0, 0, 5000, 0, 300, 'cou_1', 'cash', 'IT', 'it',
    '[]', '{}', '{}', false, 0, 0, '{}', '', now()
FROM generate_series(1, $1::int) AS n"""
_COURIER: Final = """
INSERT INTO couriers (merchant_id, id, state, name, currency, cut, modes, manifest_amounts, zones, remittance_days,
    country, attempts, storage_days, metadata, created_at)
VALUES ('mer_1', 'cou_1', 'active', 'GLS', 'EUR', '{}', '[]', 'comma', '[]', 15, 'IT', 2, 10, '{}', now())"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy(database: Database) -> Database:
    async with database.transaction() as tx:
        await tx.execute(_COURIER)
        await tx.execute(_EVENTS, ROWS)
        await tx.execute(_ORDERS, ROWS)
    return database


@pytest.mark.parametrize(
    ("lookup", "named"),
    [
        (courier_events.known, "E"),
        (courier_events.waiting, "GL"),
        (orders.lock_live, "O"),
    ],
)
async def test_a_lookup_of_many_keys_reads_few_pages_per_key(
    busy: Database, lookup: Callable[..., Awaitable[Any]], named: str
):
    names = [f"{named}{n}" for n in range(1, LOOKED_FOR + 1)]
    async with busy.connection() as conn:  # statistics do not change within a transaction
        before = await _pages(conn)
        found = await lookup(conn, "mer_1", "cou_1", names)
        pages = await _pages(conn) - before
    assert len(found) == LOOKED_FOR
    assert pages < LOOKED_FOR * PAGES_OF_ONE


async def _pages(conn: Conn) -> int:
    """Pages that this database has accessed so far."""
    await conn.fetchval("SELECT pg_stat_force_next_flush()")
    return int(
        await conn.fetchval(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
        )
    )
