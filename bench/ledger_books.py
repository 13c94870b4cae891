"""A ledger with many entries, loaded by COPY for bench.ledger: one merchant, two years, one posting per entry.

Tables are filled without indexes, and each month in the transaction that creates its partitions; indexes are built at the end.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, timedelta
from typing import Any, Final

from libs.db import Conn
from services.reporting.store.books import days_sql, make_partitions

MERCHANT: Final = "mer_bench"
MONTHS: Final = 24
FIRST: Final = date(2025, 1, 1)
MIDDLE: Final = FIRST + timedelta(days=365)
BLOCK: Final = 20_000  # rows sent at once
HOURS: Final = 6 * 3600.0
_PAIRS: Final = (
    ("psp_receivable", "sandbox-a", "sales", ""),
    ("psp_receivable", "stripe", "sales", ""),
    ("psp_receivable", "sandbox-b", "sales", ""),
    ("courier_receivable", "cou_1", "sales", ""),
    ("sales_refunds", "", "psp_receivable", "sandbox-a"),
    ("bank_in_transit", "stripe", "psp_receivable", "stripe"),
    ("psp_fees", "stripe", "psp_receivable", "stripe"),
    ("customer_receivable", "", "sales", ""),
    ("instalments_clearing", "", "customer_receivable", ""),
    ("bank", "", "unallocated", ""),
)
_COLUMNS: Final = {
    "entries": "merchant_id id happened_on booked_on kind currency resource_id payment_id order_reference trace_id",
    "postings": "merchant_id booked_on entry_id number happened_on debit_account debit_party credit_account credit_party"
    " currency amount_minor",
}

SUM_OF_POSTINGS: Final = f"""
SELECT account, currency, sum(debit_minor), sum(credit_minor) FROM ({days_sql("postings")}) AS days
WHERE merchant_id = $1 GROUP BY account, currency"""  # noqa: S608 - made of constants
_CONSTRAINTS: Final = """
SELECT conname, conrelid::regclass::text AS of_table, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE conrelid IN ('entries'::regclass, 'postings'::regclass) AND contype = 'p'"""
_INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename IN ('entries', 'postings') AND indexname NOT LIKE '%_pkey'"""


async def fill(
    conn: Conn, entries: int, say: Callable[[str], None], merchant: str = MERCHANT
) -> dict[str, Any]:
    """Loads entries and postings month by month, then the daily balances. Returns row counts, size and duration."""
    began, month = time.perf_counter(), FIRST
    keys, indexes = await conn.fetch(_CONSTRAINTS), await conn.fetch(_INDEXES)
    for row in indexes:
        await conn.execute(f"DROP INDEX {row['indexname']}")
    for row in keys:
        await conn.execute(f"ALTER TABLE {row['of_table']} DROP CONSTRAINT {row['conname']}")
    for number in range(MONTHS):
        say(f"writing month {number + 1} of {MONTHS}, of {entries:,} entries")
        first, last = entries * number // MONTHS, entries * (number + 1) // MONTHS
        async with conn.raw.transaction():
            await make_partitions(conn, [month])
            for table in ("entries", "postings"):
                await _copy(conn, table, merchant, month, range(first, last))
        month = (month + timedelta(days=31)).replace(day=1)
    await conn.execute("SET maintenance_work_mem = '512MB'")
    for row in keys:
        say(f"making {row['conname']} of {entries:,} entries")
        sql = f"ALTER TABLE {row['of_table']} ADD CONSTRAINT {row['conname']} {row['definition']}"
        await conn.raw.execute(sql, timeout=HOURS)
    for row in indexes:
        say(f"making {row['indexname']} of {entries:,} entries")
        await conn.raw.execute(row["indexdef"].replace(" ON ONLY ", " ON "), timeout=HOURS)
    say("summing balances of days, and VACUUM ANALYZE")
    await conn.raw.execute(f"INSERT INTO balances {days_sql('postings')}", timeout=HOURS)
    await conn.raw.execute("VACUUM ANALYZE", timeout=HOURS)
    return {
        "entries": entries,
        "balances": await conn.fetchval("SELECT count(*) FROM balances"),
        "gigabytes": round(await _size(conn) / 10**9, 1),
        "filled_in_seconds": round(time.perf_counter() - began),
    }


async def _size(conn: Conn) -> int:
    found: int = await conn.fetchval("SELECT pg_database_size(current_database())")
    return found


async def _copy(conn: Conn, table: str, merchant: str, month: date, numbers: range) -> None:
    rows = _entries if table == "entries" else _postings

    async def blocks() -> AsyncIterator[bytes]:
        for start in range(numbers.start, numbers.stop, BLOCK):
            block = range(start, min(start + BLOCK, numbers.stop))
            yield "".join(rows(merchant, month, block)).encode()

    await conn.raw.copy_to_table(
        table, source=blocks(), columns=_COLUMNS[table].split(), format="text", timeout=HOURS
    )


def _entries(merchant: str, month: date, numbers: range) -> Iterator[str]:
    days = [(month + timedelta(days=day)).isoformat() for day in range(28)]
    for n in numbers:
        day, currency = days[n % 28], "CHF" if n % 20 == 0 else "EUR"
        yield (
            f"{merchant}\tevt_{n:026}\t{day}\t{day}\tpayments.payment.captured\t{currency}\tpay_{n:026}\tpay_{n:026}"
            f"\tA-{n}\t{n:032x}\n"
        )


def _postings(merchant: str, month: date, numbers: range) -> Iterator[str]:
    days = [(month + timedelta(days=day)).isoformat() for day in range(28)]
    pairs = ["\t".join(pair) for pair in _PAIRS]
    for n in numbers:
        day, currency = days[n % 28], "CHF" if n % 20 == 0 else "EUR"
        yield (
            f"{merchant}\t{day}\tevt_{n:026}\t1\t{day}\t{pairs[n % 10]}\t{currency}\t{1000 + n % 9000}\n"
        )
