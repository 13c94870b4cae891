"""SQL of exceptions and their resolutions."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from libs.db import Conn, Row
from libs.rows import Table, assignments
from services.reporting.rules.exceptions import (
    MOST_SUGGESTIONS,
    OF_OPEN_ITEMS,
    ExceptionType,
    ReconciliationException,
    Unmatched,
)
from services.reporting.rules.items import Side
from services.reporting.rules.matching import DEFAULT_LATE_AFTER_DAYS, EARLY_DAYS, WINDOW_DAYS
from services.reporting.store.items import OPEN_ITEMS

EXCEPTIONS: Final = Table("exceptions", ReconciliationException)
MOST: Final = 10_000  # per run
_KINDS: Final = {
    "merchant_id": "text",
    "id": "text",
    "type": "text",
    "state": "text",
    "stage": "text",
    "item_id": "text",
    "ours_id": "text",
    "theirs_id": "text",
    "party": "text",
    "currency": "text",
    "amount_minor": "bigint",
    "expected_minor": "bigint",
    "payment_id": "text",
    "order_reference": "text",
    "trace_id": "text",
    "happened_on": "date",
    "created_at": "timestamptz",
}
_COLUMNS: Final = ", ".join(_KINDS)
_RAISED: Final = f"""
INSERT INTO exceptions ({_COLUMNS}, suggestions)
SELECT {_COLUMNS}, array_remove(string_to_array(suggested, ' '), '')
FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_KINDS.values(), 1))},
    ${len(_KINDS) + 1}::text[]) AS given ({_COLUMNS}, suggested)
ON CONFLICT ON CONSTRAINT exceptions_of_item DO UPDATE
    SET suggestions = EXCLUDED.suggestions, ours_id = EXCLUDED.ours_id,
        expected_minor = EXCLUDED.expected_minor, state = 'open', resolved_as = NULL,
        resolved_by = NULL, resolved_at = NULL
    WHERE exceptions.state = 'open' AND exceptions.suggestions <> EXCLUDED.suggestions
        OR exceptions.resolved_by = 'reporting'"""  # noqa: S608 - made of constants
# A missing reference equals no other.
_BY_REFERENCE: Final = """(theirs.operation_reference = ours.operation_reference
    OR theirs.payment_reference = ours.payment_reference AND theirs.kind = ours.kind
    OR theirs.stage = 'bank' AND theirs.payment_reference = ours.operation_reference)"""
# A lookup per item: with EXISTS, the query would read all matches ever made.
_TWICE: Final = """
    coalesce(CASE WHEN theirs.stage = 'psp' THEN (
        SELECT true FROM settlement_lines AS line JOIN matches ON matches.merchant_id = $1 AND theirs_id = line.id
        WHERE line.merchant_id = $1 AND line.payment_reference = theirs.payment_reference
            AND line.kind = theirs.kind AND line.gross_minor = theirs.amount_minor LIMIT 1
    ) ELSE (
        SELECT true FROM bank_lines AS line JOIN matches ON matches.merchant_id = $1 AND theirs_id = line.id
        WHERE line.merchant_id = $1 AND line.end_to_end_reference = theirs.operation_reference
            AND line.amount_minor = theirs.amount_minor LIMIT 1
    ) END, false)"""
_OF_THEIRS: Final = f"""
SELECT theirs.*, {_TWICE} AS twice, same.id AS same_id, same.currency AS same_currency,
    same.amount_minor AS same_minor, same.payment_id AS same_payment_id,
    same.order_reference AS same_order_reference, same.trace_id AS same_trace_id,
    same.party AS same_party, coalesce(fitting.ids, '{{}}') AS fitting
FROM (
    SELECT * FROM open_items WHERE merchant_id = $1 AND side = 'theirs'
    ORDER BY id IN (SELECT item_id FROM exceptions WHERE merchant_id = $1 AND state = 'open'),
        happened_on, id LIMIT {MOST}
) AS theirs
LEFT JOIN LATERAL (
    SELECT * FROM open_items AS ours WHERE ours.merchant_id = $1 AND ours.stage = theirs.stage
        AND ours.side = 'ours' AND {_BY_REFERENCE}
    ORDER BY happened_on, id LIMIT 1
) AS same ON true
LEFT JOIN LATERAL (
    SELECT array_agg(id ORDER BY happened_on, id) AS ids FROM (
        SELECT id, happened_on FROM open_items AS ours WHERE ours.merchant_id = $1
            AND ours.stage = theirs.stage AND ours.side = 'ours' AND ours.currency = theirs.currency
            AND ours.amount_minor = theirs.amount_minor
            AND (theirs.stage = 'bank' OR ours.party = theirs.party AND ours.kind = theirs.kind)
            AND theirs.happened_on BETWEEN ours.happened_on - {EARLY_DAYS}
                AND ours.happened_on + {WINDOW_DAYS}
        ORDER BY happened_on, id LIMIT {MOST_SUGGESTIONS}
    ) AS fits
) AS fitting ON true
ORDER BY theirs.happened_on, theirs.id"""  # noqa: S608 - made of constants
# An item that another open exception names or suggests is not missing. At the bank, nothing is missing for
# a merchant who has never imported a statement.
_MISSING: Final = f"""
SELECT ours.* FROM open_items AS ours
LEFT JOIN sources ON sources.merchant_id = $1 AND sources.party = ours.party
WHERE ours.merchant_id = $1 AND ours.side = 'ours'
    AND ours.happened_on + coalesce(sources.late_after_days, $3) < $2
    AND (ours.stage = 'psp' OR EXISTS (SELECT FROM statements WHERE merchant_id = $1))
    AND ours.id NOT IN (SELECT ours_id FROM exceptions
        WHERE merchant_id = $1 AND state = 'open' AND ours_id IS NOT NULL)
    AND ours.id NOT IN (SELECT unnest(suggestions) FROM exceptions
        WHERE merchant_id = $1 AND state = 'open')
ORDER BY ours.happened_on, ours.id LIMIT {MOST}"""  # noqa: S608 - made of constants


async def unmatched(conn: Conn, merchant_id: str) -> list[Unmatched]:
    """Their open items, oldest first: at most MOST, preferring those without an open exception."""
    rows = await conn.fetch(_OF_THEIRS, merchant_id)
    return [
        Unmatched(OPEN_ITEMS.read(row), _same(row), row["twice"], row["fitting"]) for row in rows
    ]


def _same(row: Row) -> Any:
    if row["same_id"] is None:
        return None
    found = {
        **dict(row),
        "side": Side.OURS.value,
        **{
            name: row[f"same_{name}"]
            for name in ("id", "currency", "payment_id", "order_reference", "trace_id", "party")
        },
        "amount_minor": row["same_minor"],
    }
    return OPEN_ITEMS.read(found)


async def missing(conn: Conn, merchant_id: str, today: date) -> list[Unmatched]:
    """Our items that should have been matched by now."""
    rows = await conn.fetch(_MISSING, merchant_id, today, DEFAULT_LATE_AFTER_DAYS)
    return [Unmatched(OPEN_ITEMS.read(row), None, twice=False, fitting=()) for row in rows]


async def raise_all(conn: Conn, raised: Sequence[ReconciliationException]) -> None:
    """Updates an existing exception of the same item and type, and reopens it if a run had resolved it.
    Exceptions resolved by a person stay resolved.
    """
    found = list({(each.item_id, each.type): each for each in raised}.values())
    if found:
        suggested = [" ".join(each.suggestions) for each in found]
        await conn.execute(_RAISED, *EXCEPTIONS.arrays(found, *_KINDS), suggested)


async def supersede(
    conn: Conn, merchant_id: str, judged: Sequence[tuple[str, ExceptionType]], now: datetime
) -> int:
    """Resolves exceptions whose item has since been matched, or now belongs to another exception;
    returns their number.
    """
    ids = [item_id for item_id, _ in judged]
    types = [kind.value for _, kind in judged]
    return await conn.execute(
        "UPDATE exceptions SET state = 'resolved', resolved_at = $5, resolved_by = 'reporting',"
        " resolved_as = CASE WHEN open.id IS NULL THEN 'matched' ELSE 'superseded' END"
        " FROM exceptions AS old LEFT JOIN open_items AS open ON open.merchant_id = $1"
        "  AND open.stage = old.stage AND open.id = old.item_id"
        " LEFT JOIN unnest($2::text[], $3::text[]) AS judged (item_id, type)"
        "  ON judged.item_id = old.item_id"
        " WHERE old.merchant_id = $1 AND old.state = 'open' AND old.type = ANY ($4)"
        " AND exceptions.merchant_id = $1 AND exceptions.id = old.id"
        " AND (open.id IS NULL OR judged.type <> old.type OR open.side = 'ours'"
        "  AND (old.item_id IN (SELECT ours_id FROM exceptions WHERE merchant_id = $1"
        "    AND state = 'open' AND theirs_id IS NOT NULL)"
        "   OR old.item_id IN (SELECT unnest(suggestions) FROM exceptions"
        "    WHERE merchant_id = $1 AND state = 'open')))",
        merchant_id,
        ids,
        types,
        sorted(kind.value for kind in OF_OPEN_ITEMS),
        now,
    )


async def refresh(conn: Conn, merchant_id: str) -> None:
    """Updates the amounts of open exceptions whose items have changed."""
    await conn.execute(
        "UPDATE exceptions SET amount_minor = item.amount_minor, expected_minor = CASE"
        "  WHEN item.side = 'ours' THEN item.amount_minor ELSE expected_minor END"
        " FROM open_items AS item WHERE exceptions.merchant_id = $1 AND state = 'open'"
        " AND item.merchant_id = $1 AND item.stage = exceptions.stage AND item.id = item_id"
        " AND item.amount_minor <> exceptions.amount_minor AND exceptions.type = ANY ($2)",
        merchant_id,
        sorted(kind.value for kind in OF_OPEN_ITEMS),
    )


async def resolve(conn: Conn, resolved: ReconciliationException) -> None:
    columns = ("state", "resolved_as", "resolution", "resolved_by", "resolved_at")
    await EXCEPTIONS.change(
        conn, resolved, assignments(columns, first=3), *EXCEPTIONS.values(resolved, *columns)
    )


async def counts(conn: Conn, merchant_id: str) -> dict[str, int]:
    """Open exceptions by type."""
    rows = await conn.fetch(
        "SELECT type, count(*) AS found FROM exceptions"
        " WHERE merchant_id = $1 AND state = 'open' GROUP BY type ORDER BY type",
        merchant_id,
    )
    return {row["type"]: row["found"] for row in rows}
