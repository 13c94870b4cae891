"""One month of payments and of report lines from four PSP accounts, written by SQL for bench.reconciliation.

Of a thousand payments, 30 are also refunded, one is in no report, one is only in the report and one has a different amount there. The
rest agree by the PSP's payment id, as most do in practice. Each account pays out daily; the bank line names the payout.
"""

from datetime import date
from typing import Any, Final

from libs.db import Conn
from services.reporting.store.books import make_partitions

MERCHANT: Final = "mer_bench"
MONTH: Final = date(2026, 10, 1)
_EVERY: Final = """
SELECT n, 'sandbox-' || n % 4 AS party, $2::date + (n * 31 / $3)::int AS day, 1000 + n * 7919 % 90000 AS minor,
    n % 1000 AS kind, md5(n::text) AS hash
FROM generate_series(0, $3::bigint - 1) AS n"""
# Ids sort by day and randomly within it, like ids derived from a line's content.
_ID: Final = "to_char({day}, 'YYMMDD') || substr({hash}, 1, 20)"
_OURS: Final = f"""
INSERT INTO open_items (merchant_id, stage, side, id, kind, party, currency, amount_minor, operation_reference,
    payment_reference, order_reference, payment_id, trace_id, happened_on, created_at)
SELECT $1, 'psp', 'ours', 'evt_' || {_ID.format(day="day", hash="md5(n || what)")}, what, party, 'EUR',
    CASE what WHEN 'charge' THEN minor ELSE -500 END, CASE what WHEN 'refund' THEN 're_' || n END,
    'ch_' || hash, 'A-' || n % 50000, 'pay_' || hash, hash, day, now()
FROM ({_EVERY}) AS every
CROSS JOIN LATERAL (VALUES ('charge'), ('refund')) AS event (what)
WHERE kind <> 2 AND (what = 'charge' OR kind BETWEEN 100 AND 129)"""  # noqa: S608 - made of constants
_LINES: Final = f"""
INSERT INTO settlement_lines (merchant_id, id, happened_on, source, party, kind, provider_kind, provider_reference,
    payment_reference, operation_reference, order_reference, gross_minor, fee_minor, net_minor, shortage_minor,
    currency, payout_reference, payout_on, import_id, created_at)
SELECT $1, 'stl_' || {_ID.format(day="day", hash="md5(n || what || 'line')")}, day, 'psp', party, what, what,
    'txn_' || what || n, 'ch_' || hash, CASE what WHEN 'charge' THEN 'ch_' || hash ELSE 're_' || n END, 'A-' || n % 50000,
    gross, fee, gross + fee, 0, 'EUR', 'po_' || party || '_' || day, day + 2, 'imp_bench', now()
FROM ({_EVERY}) AS every
CROSS JOIN LATERAL (VALUES
    ('charge', minor - CASE kind WHEN 3 THEN 100 ELSE 0 END, -(minor * 14 / 1000 + 25)), ('refund', -500, 0)
) AS line (what, gross, fee)
WHERE kind <> 1 AND (what = 'charge' OR kind BETWEEN 100 AND 129) ORDER BY 2"""  # noqa: S608 - made of constants
_THEIRS: Final = """
INSERT INTO open_items (merchant_id, stage, side, id, kind, party, currency, amount_minor, fee_minor, operation_reference,
    payment_reference, order_reference, trace_id, happened_on, created_at)
SELECT merchant_id, 'psp', 'theirs', id, kind, party, currency, gross_minor, fee_minor, operation_reference,
    payment_reference, order_reference, '', happened_on, created_at FROM settlement_lines WHERE merchant_id = $1"""
_PAYOUTS: Final = """
INSERT INTO open_items (merchant_id, stage, side, id, kind, party, currency, amount_minor, operation_reference, trace_id,
    happened_on, created_at)
SELECT merchant_id, 'bank', 'ours', 'pyo_' || left(md5(payout_reference), 26), 'payout', party, currency, sum(net_minor),
    payout_reference, '', max(payout_on), now()
FROM settlement_lines WHERE merchant_id = $1 GROUP BY merchant_id, party, payout_reference, currency"""
_BANKED: Final = """
INSERT INTO bank_lines (merchant_id, id, booked_on, account, amount_minor, currency, part, entry_id, place, kind,
    reversal, text, statement_id, import_id, created_at)
SELECT merchant_id, 'bln' || substr(id, 4), happened_on, 'IT60X0542811101000000123456', amount_minor, currency, 'entry', id,
    0, '', false, 'PAYOUT ' || operation_reference, 'stm_bench', 'imp_bank', now()
FROM open_items WHERE merchant_id = $1 AND stage = 'bank' AND side = 'ours'"""
_AT_BANK: Final = """
INSERT INTO open_items (merchant_id, stage, side, id, kind, party, currency, amount_minor, trace_id, happened_on, created_at)
SELECT merchant_id, 'bank', 'theirs', id, 'other', '', currency, amount_minor, '', booked_on, created_at
FROM bank_lines WHERE merchant_id = $1"""


async def fill(conn: Conn, payments: int) -> dict[str, Any]:
    """Writes everything and returns how many items are open on each side."""
    await make_partitions(conn, [MONTH, MONTH.replace(month=11)])
    for sql in (_OURS, _LINES):
        await conn.execute(sql, MERCHANT, MONTH, payments)
    for sql in (_THEIRS, _PAYOUTS, _BANKED, _AT_BANK):
        await conn.execute(sql, MERCHANT)
    await conn.execute("VACUUM ANALYZE")
    rows = await conn.fetch(
        "SELECT stage || ' ' || side AS name, count(*) AS items FROM open_items GROUP BY 1 ORDER BY 1"
    )
    return {row["name"]: row["items"] for row in rows}
