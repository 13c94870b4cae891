"""A ledger of many entries, written by SQL, for bench.ledger: one merchant, two years, a posting each."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from libs.db import Conn
from services.reporting.store.books import days_sql, make_partitions

MERCHANT: Final = "mer_bench"
MONTHS: Final = 24
FIRST: Final = date(2025, 1, 1)
_PAIRS: Final = """(VALUES (0, 'psp_receivable', 'sandbox-a', 'sales', ''), (1, 'psp_receivable', 'stripe', 'sales', ''),
    (2, 'psp_receivable', 'sandbox-b', 'sales', ''), (3, 'courier_receivable', 'cou_1', 'sales', ''),
    (4, 'sales_refunds', '', 'psp_receivable', 'sandbox-a'), (5, 'bank_in_transit', 'stripe', 'psp_receivable', 'stripe'),
    (6, 'psp_fees', 'stripe', 'psp_receivable', 'stripe'), (7, 'customer_receivable', '', 'sales', ''),
    (8, 'instalments_clearing', '', 'customer_receivable', ''), (9, 'bank', '', 'unallocated', ''))
    AS pair (kind, debit_account, debit_party, credit_account, credit_party)"""
_ENTRIES: Final = """
INSERT INTO entries (merchant_id, id, happened_on, booked_on, kind, currency, resource_id, payment_id,
    order_reference, trace_id)
SELECT $1, 'evt_' || lpad(n::text, 22, '0'), day, day, 'payments.payment.captured',
    CASE WHEN n % 20 = 0 THEN 'CHF' ELSE 'EUR' END, 'pay_' || n, 'pay_' || n, 'A-' || n, md5(n::text)
FROM generate_series($2::bigint, $3::bigint) AS n
CROSS JOIN LATERAL (SELECT $4::date + (n % 28)::int AS day) AS days"""
_POSTINGS: Final = f"""
INSERT INTO postings (merchant_id, booked_on, entry_id, number, happened_on, debit_account, debit_party,
    credit_account, credit_party, currency, amount_minor)
SELECT $1, day, 'evt_' || lpad(n::text, 22, '0'), 1, day, debit_account, debit_party, credit_account,
    credit_party, CASE WHEN n % 20 = 0 THEN 'CHF' ELSE 'EUR' END, 1000 + n % 9000
FROM generate_series($2::bigint, $3::bigint) AS n JOIN {_PAIRS} ON pair.kind = n % 10
CROSS JOIN LATERAL (SELECT $4::date + (n % 28)::int AS day) AS days"""  # noqa: S608 - made of constants

SUM_OF_POSTINGS: Final = f"""
SELECT account, currency, sum(debit_minor), sum(credit_minor) FROM ({days_sql("postings")}) AS days
WHERE merchant_id = $1 GROUP BY account, currency"""  # noqa: S608 - made of constants
MIDDLE: Final = FIRST + timedelta(days=365)

_INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename IN ('entries', 'postings') AND indexname NOT LIKE '%_pkey'"""


async def fill(conn: Conn, entries: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Month by month, and balances of the days as they are kept. Answers how many rows there are."""
    began, month = time.perf_counter(), FIRST
    indexes = await conn.fetch(_INDEXES)
    for row in indexes:  # quicker to make when all is there
        await conn.execute(f"DROP INDEX {row['indexname']}")
    for number in range(MONTHS):
        say(f"writing month {number + 1} of {MONTHS}, of {entries:,} entries")
        first, last = entries * number // MONTHS, entries * (number + 1) // MONTHS - 1
        await make_partitions(conn, [month])
        for sql in (_ENTRIES, _POSTINGS):
            await conn.execute(sql, MERCHANT, first, last, month)
        month = (month + timedelta(days=31)).replace(day=1)
    say("making indexes and balances")
    for row in indexes:
        await conn.execute(row["indexdef"].replace(" ON ONLY ", " ON "))
    await conn.execute(f"INSERT INTO balances {days_sql('postings')}")
    await conn.execute("VACUUM ANALYZE")
    days = await conn.fetchval("SELECT count(*) FROM balances")
    size = await conn.fetchval("SELECT pg_database_size(current_database())")
    return {
        "entries": entries,
        "balances": days,
        "gigabytes": round(size / 10**9, 1),
        "filled_in_seconds": round(time.perf_counter() - began),
    }
