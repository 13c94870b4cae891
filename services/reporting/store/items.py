"""SQL of items to match: from events, from imported lines, and payouts built from lines."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn
from libs.rows import Table, to_json
from services.reporting.rules.items import OpenItem
from services.reporting.rules.own_facts import Clearing

OPEN_ITEMS: Final = Table("open_items", OpenItem)
CLEARINGS: Final = Table("clearings", Clearing)
_KINDS: Final = {
    "merchant_id": "text",
    "stage": "text",
    "side": "text",
    "id": "text",
    "kind": "text",
    "party": "text",
    "currency": "text",
    "amount_minor": "bigint",
    "fee_minor": "bigint",
    "operation_reference": "text",
    "payment_reference": "text",
    "order_reference": "text",
    "payment_id": "text",
    "trace_id": "text",
    "happened_on": "date",
    "created_at": "timestamptz",
}


def payout_id_sql(identified_by: str) -> str:
    """The id of a payout's item, derived from the fields of its lines that identify it."""
    return f"'pyo_' || left(md5({identified_by}), 26)"


_COLUMNS: Final = ", ".join(_KINDS)
_MARKS: Final = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_KINDS.values(), 1))
# A redelivered event does not reopen a matched or resolved item.
_EXPECT: Final = f"""
INSERT INTO open_items ({_COLUMNS}) SELECT {_COLUMNS} FROM unnest({_MARKS}) AS given ({_COLUMNS})
WHERE NOT EXISTS (SELECT FROM matches
    WHERE matches.merchant_id = given.merchant_id AND matches.ours_id = given.id)
  AND NOT EXISTS (SELECT FROM exceptions WHERE exceptions.merchant_id = given.merchant_id
    AND exceptions.item_id = given.id AND state = 'resolved')
ON CONFLICT DO NOTHING"""  # noqa: S608 - made of constants
# The lines that an import has added: those of PSPs, then those of banks.
_SETTLED: Final = f"""
INSERT INTO open_items ({_COLUMNS})
SELECT merchant_id, 'psp', 'theirs', id, kind, party, currency, gross_minor, fee_minor,
    operation_reference, payment_reference, order_reference,
    CASE WHEN custom_reference LIKE 'pay\\_%' THEN custom_reference END, $3, happened_on, created_at
FROM settlement_lines
WHERE merchant_id = $1 AND import_id = $2 AND kind NOT IN ('payout', 'fee') AND gross_minor <> 0
ON CONFLICT DO NOTHING"""  # noqa: S608 - made of constants
# A credit reported to paylink has its transfer's reference: see `link_transfers`.
_BANKED: Final = f"""
INSERT INTO open_items ({_COLUMNS})
SELECT line.merchant_id, 'bank', 'theirs', line.id, 'other', '', line.currency, line.amount_minor, 0,
    end_to_end_reference, nullif(upper(
        coalesce(transfer.bank_reference, regexp_replace(line.bank_reference, '\\s', '', 'g'))), ''),
    NULL, NULL, $3, line.booked_on, line.created_at
FROM bank_lines AS line LEFT JOIN link_transfers AS transfer USING (merchant_id, id)
WHERE line.merchant_id = $1 AND import_id = $2 AND line.amount_minor <> 0
ON CONFLICT DO NOTHING"""  # noqa: S608 - made of constants
# A payout is the sum of its lines. If a report does not assign lines to payouts, its payout rows are used
# instead. `payouts` has the amount expected so far: only the difference is added, to the payout's open item
# or, if that is matched or resolved, as another item. Concurrent additions add up.
_PAYOUTS: Final = f"""
WITH named AS (
    SELECT DISTINCT party, payout_reference FROM settlement_lines
    WHERE merchant_id = $1 AND (import_id = $2 OR event_id = ANY ($4))
        AND payout_reference IS NOT NULL
), summed AS (
    SELECT party, payout_reference, currency, sum(net_minor)::bigint AS amount_minor,
        max(coalesce(payout_on, happened_on)) AS happened_on, max(created_at) AS created_at
    FROM settlement_lines JOIN named USING (party, payout_reference)
    WHERE merchant_id = $1 AND kind <> 'payout' GROUP BY party, payout_reference, currency
), known AS (
    SELECT party, payout_reference, payouts.currency, sum(payouts.amount_minor)::bigint AS known_minor,
        count(*) AS items, max(open_items.id) AS open_id
    FROM payouts JOIN named USING (party, payout_reference)
    LEFT JOIN open_items USING (merchant_id, id, party)
    WHERE merchant_id = $1 GROUP BY party, payout_reference, payouts.currency
), added AS (
    SELECT coalesce(open_id, {payout_id_sql("concat_ws(' ', party, payout_reference, currency, items)")}) AS id,
        party, payout_reference, currency, amount_minor - coalesce(known_minor, 0) AS amount_minor,
        happened_on, created_at
    FROM summed LEFT JOIN known USING (party, payout_reference, currency)
    WHERE amount_minor <> coalesce(known_minor, 0)
), kept AS (
    INSERT INTO payouts AS known (merchant_id, id, party, payout_reference, currency, amount_minor)
    SELECT $1, id, party, payout_reference, currency, amount_minor FROM added
    ON CONFLICT ON CONSTRAINT payouts_pkey
        DO UPDATE SET amount_minor = known.amount_minor + EXCLUDED.amount_minor
), gone AS (
    DELETE FROM open_items USING added WHERE open_items.merchant_id = $1 AND stage = 'bank' AND side = 'ours'
        AND open_items.id = added.id AND open_items.amount_minor = -added.amount_minor
    RETURNING open_items.id
)
INSERT INTO open_items AS known ({_COLUMNS})
SELECT $1, 'bank', 'ours', id, 'payout', party, currency, amount_minor, 0, payout_reference, NULL,
    NULL, NULL, $3, happened_on, created_at
FROM (SELECT * FROM added UNION ALL
    SELECT {payout_id_sql("id")}, party, provider_reference, currency, -net_minor, happened_on, created_at
    FROM settlement_lines WHERE merchant_id = $1 AND import_id = $2 AND kind = 'payout'
        AND payout_reference IS NULL AND net_minor <> 0) AS found
WHERE id NOT IN (SELECT id FROM gone)
ON CONFLICT ON CONSTRAINT open_items_pkey DO UPDATE
    SET amount_minor = known.amount_minor + EXCLUDED.amount_minor, happened_on = EXCLUDED.happened_on"""  # noqa: S608 - made of constants
_DUE: Final = """
INSERT INTO reconciliations (merchant_id, due_at) VALUES ($1, now())
ON CONFLICT (merchant_id) DO UPDATE SET due_at = EXCLUDED.due_at"""
SECONDS: Final = 1800.0  # for one statement over all lines of a file


async def expect(conn: Conn, items: Sequence[OpenItem]) -> None:
    """Adds expected items, for several merchants."""
    await conn.execute(_EXPECT, *OPEN_ITEMS.arrays(items, *_KINDS))


async def collect(conn: Conn, merchant_id: str, import_id: str, trace_id: str) -> None:
    """Adds items for the lines of an import, and for their payouts."""
    for sql in (_SETTLED, _BANKED):
        await conn.raw.execute(sql, merchant_id, import_id, trace_id, timeout=SECONDS)
    await conn.raw.execute(_PAYOUTS, merchant_id, import_id, trace_id, [], timeout=SECONDS)
    await conn.execute(_DUE, merchant_id)


async def collect_payouts(
    conn: Conn, merchant_id: str, event_ids: Sequence[str], trace_id: str
) -> None:
    """Adds the payouts whose lines came from events."""
    await conn.execute(_PAYOUTS, merchant_id, None, trace_id, list(event_ids))
    await conn.execute(_DUE, merchant_id)


async def of_ids(conn: Conn, merchant_id: str, item_ids: Sequence[str]) -> list[OpenItem]:
    """Locks the items until the end of the transaction."""
    where = "WHERE merchant_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE"
    return await OPEN_ITEMS.all(conn, where, merchant_id, list(item_ids))


async def remove(conn: Conn, merchant_id: str, item_ids: Sequence[str]) -> None:
    sql = "DELETE FROM open_items WHERE merchant_id = $1 AND id = ANY ($2)"
    await conn.execute(sql, merchant_id, list(item_ids))


async def add_clearings(conn: Conn, found: Sequence[Clearing]) -> None:
    """Adds all of them in one statement."""
    if found:
        await conn.execute(_CLEAR, [to_json(each) for each in found])


_CLEAR: Final = f"""
INSERT INTO clearings ({", ".join(CLEARINGS.columns)})
SELECT {", ".join(CLEARINGS.columns)} FROM jsonb_populate_recordset(NULL::clearings, $1)"""  # noqa: S608 - made of constants
