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
    """The id of a payout's item, by the fields of its lines that identify it."""
    return f"'pyo_' || left(md5({identified_by}), 26)"


_COLUMNS: Final = ", ".join(_KINDS)
_MARKS: Final = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_KINDS.values(), 1))
# A matched item does not become open again when its event is repeated.
_EXPECT: Final = f"""
INSERT INTO open_items ({_COLUMNS}) SELECT {_COLUMNS} FROM unnest({_MARKS}) AS given ({_COLUMNS})
WHERE NOT EXISTS (SELECT FROM matches
    WHERE matches.merchant_id = given.merchant_id AND matches.ours_id = given.id)
  AND NOT EXISTS (SELECT FROM exceptions WHERE exceptions.merchant_id = given.merchant_id
    AND exceptions.item_id = given.id AND state = 'resolved')
ON CONFLICT DO NOTHING"""  # noqa: S608 - made of constants
# Lines that an import has added: of PSPs, and of banks.
_SETTLED: Final = f"""
INSERT INTO open_items ({_COLUMNS})
SELECT merchant_id, 'psp', 'theirs', id, kind, party, currency, gross_minor, fee_minor,
    operation_reference, payment_reference, order_reference,
    CASE WHEN custom_reference LIKE 'pay\\_%' THEN custom_reference END, $3, happened_on, created_at
FROM settlement_lines
WHERE merchant_id = $1 AND import_id = $2 AND kind NOT IN ('payout', 'fee') AND gross_minor <> 0
ON CONFLICT DO NOTHING"""  # noqa: S608 - made of constants
# A credit that paylink was told of has the reference of its transfer: see `link_transfers`.
_BANKED: Final = f"""
INSERT INTO open_items ({_COLUMNS})
SELECT line.merchant_id, 'bank', 'theirs', line.id, 'other', '', line.currency, line.amount_minor, 0,
    end_to_end_reference, nullif(upper(
        coalesce(told.bank_reference, regexp_replace(line.bank_reference, '\\s', '', 'g'))), ''),
    NULL, NULL, $3, line.booked_on, line.created_at
FROM bank_lines AS line LEFT JOIN link_transfers AS told USING (merchant_id, id)
WHERE line.merchant_id = $1 AND import_id = $2 AND line.amount_minor <> 0
ON CONFLICT DO NOTHING"""  # noqa: S608 - made of constants
# A payout is the sum of its lines, less what is already matched; for a PSP report without payouts,
# the lines themselves. Its id is derived from its identifying fields, so that all its lines form
# one payout.
_PAYOUTS: Final = f"""
WITH named AS (
    SELECT DISTINCT party, payout_reference FROM settlement_lines
    WHERE merchant_id = $1 AND (import_id = $2 OR event_id = ANY ($4))
        AND payout_reference IS NOT NULL
), summed AS (
    SELECT {payout_id_sql("party || ' ' || payout_reference || ' ' || currency")} AS id, party,
        payout_reference, currency, sum(net_minor)::bigint AS amount_minor,
        max(coalesce(payout_on, happened_on)) AS happened_on, max(created_at) AS created_at
    FROM settlement_lines JOIN named USING (party, payout_reference)
    WHERE merchant_id = $1 AND kind <> 'payout' GROUP BY party, payout_reference, currency
), alone AS (
    SELECT {payout_id_sql("id")} AS id, party, provider_reference AS payout_reference, currency,
        -net_minor AS amount_minor, happened_on, created_at FROM settlement_lines
    WHERE merchant_id = $1 AND import_id = $2 AND kind = 'payout' AND payout_reference IS NULL
), owed AS (
    SELECT found.*, amount_minor - coalesce((SELECT sum(matches.amount_minor) FROM matches
        WHERE matches.merchant_id = $1 AND ours_id = found.id), 0)::bigint AS left_minor
    FROM (SELECT * FROM summed UNION ALL SELECT * FROM alone) AS found
)
INSERT INTO open_items ({_COLUMNS})
SELECT $1, 'bank', 'ours', id, 'payout', party, currency, left_minor, 0, payout_reference, NULL,
    NULL, NULL, $3, happened_on, created_at
FROM owed WHERE left_minor <> 0
ON CONFLICT ON CONSTRAINT open_items_pkey DO UPDATE
    SET amount_minor = EXCLUDED.amount_minor, happened_on = EXCLUDED.happened_on"""  # noqa: S608 - made of constants
_DUE: Final = """
INSERT INTO reconciliations (merchant_id, due_at) VALUES ($1, now())
ON CONFLICT (merchant_id) DO UPDATE SET due_at = EXCLUDED.due_at"""
SECONDS: Final = 1800.0  # of one statement over all lines of a file


async def expect(conn: Conn, items: Sequence[OpenItem]) -> None:
    """Of several merchants."""
    await conn.execute(_EXPECT, *OPEN_ITEMS.arrays(items, *_KINDS))


async def collect(conn: Conn, merchant_id: str, import_id: str, trace_id: str) -> None:
    """Items for the lines of an import, and their payouts."""
    for sql in (_SETTLED, _BANKED):
        await conn.raw.execute(sql, merchant_id, import_id, trace_id, timeout=SECONDS)
    await conn.raw.execute(_PAYOUTS, merchant_id, import_id, trace_id, [], timeout=SECONDS)
    await conn.execute(_DUE, merchant_id)


async def collect_payouts(
    conn: Conn, merchant_id: str, event_ids: Sequence[str], trace_id: str
) -> None:
    """Those whose lines came from events."""
    await conn.execute(_PAYOUTS, merchant_id, None, trace_id, list(event_ids))
    await conn.execute(_DUE, merchant_id)


async def of_ids(conn: Conn, merchant_id: str, item_ids: Sequence[str]) -> list[OpenItem]:
    """Locked until the end of the transaction."""
    where = "WHERE merchant_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE"
    return await OPEN_ITEMS.all(conn, where, merchant_id, list(item_ids))


async def remove(conn: Conn, merchant_id: str, item_ids: Sequence[str]) -> None:
    sql = "DELETE FROM open_items WHERE merchant_id = $1 AND id = ANY ($2)"
    await conn.execute(sql, merchant_id, list(item_ids))


async def add_clearings(conn: Conn, found: Sequence[Clearing]) -> None:
    """All in one statement."""
    if found:
        await conn.execute(_CLEAR, [to_json(each) for each in found])


_CLEAR: Final = f"""
INSERT INTO clearings ({", ".join(CLEARINGS.columns)})
SELECT {", ".join(CLEARINGS.columns)} FROM jsonb_populate_recordset(NULL::clearings, $1)"""  # noqa: S608 - made of constants
