"""SQL of the ledger's own tables: one statement writes many entries.

The same SQL writes the ledger and, during a rebuild, the schema `rebuilt`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from libs.db import Conn
from libs.rows import Table
from services.reporting.rules.entries import Booked, Entry

_LATE: Final = "CASE WHEN booked_on <> happened_on THEN to_char(happened_on, 'YYYY-MM') END"
ENTRIES: Final = Table("entries", Booked, sql={"closed_month": _LATE})
ENTRY: Final = {
    "merchant_id": "text",
    "id": "text",
    "happened_on": "date",
    "booked_on": "date",
    "kind": "text",
    "currency": "text",
    "resource_id": "text",
    "payment_id": "text",
    "order_reference": "text",
    "trace_id": "text",
    "method": "text",
    "dues": "jsonb",
}
POSTING: Final = {
    "merchant_id": "text",
    "booked_on": "date",
    "entry_id": "text",
    "number": "smallint",
    "happened_on": "date",
    "debit_account": "text",
    "debit_party": "text",
    "credit_account": "text",
    "credit_party": "text",
    "currency": "text",
    "amount_minor": "bigint",
}
LOCK: Final = 0x1ED6E5  # any constant: shared by batches, exclusive for closing a month


def _rows(columns: Mapping[str, str], *, first: int) -> str:
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(columns.values(), first))
    return f"unnest({arrays}) AS row ({', '.join(columns)})"


def _new_sql(schema: str) -> str:
    """Inserts new entries and their postings."""
    entry, posting = ", ".join(ENTRY), ", ".join(POSTING)
    return f"""
WITH new AS (
    INSERT INTO {schema}entries ({entry}) SELECT {entry} FROM {_rows(ENTRY, first=1)}
    ON CONFLICT DO NOTHING RETURNING merchant_id, id, happened_on, booked_on
), moves AS (
    INSERT INTO {schema}postings ({posting}) SELECT {posting} FROM {_rows(POSTING, first=len(ENTRY) + 1)}
    WHERE (merchant_id, entry_id) IN (SELECT merchant_id, id FROM new)
    RETURNING merchant_id, debit_account, debit_party, credit_account, credit_party, currency,
        booked_on, amount_minor
)"""  # noqa: S608 - made of constants


_DAY: Final = "merchant_id, account, currency, party, booked_on"


def days_sql(moves: str) -> str:
    """The debits and credits of postings by account and day."""
    return f"""
SELECT {_DAY}, sum(debit)::bigint AS debit_minor, sum(credit)::bigint AS credit_minor
FROM {moves} CROSS JOIN LATERAL (VALUES
    (debit_account, debit_party, amount_minor, 0), (credit_account, credit_party, 0, amount_minor)
) AS side (account, party, debit, credit) GROUP BY {_DAY}"""  # noqa: S608 - made of constants


_BOOK: Final = f"""{_new_sql("")}, late AS (
    INSERT INTO late_entries (merchant_id, entry_id, booked_on)
    SELECT merchant_id, id, booked_on FROM new WHERE booked_on <> happened_on
    ON CONFLICT DO NOTHING
), days AS (
    INSERT INTO balances AS known ({_DAY}, debit_minor, credit_minor)
    {days_sql("moves")} ORDER BY {_DAY}
    ON CONFLICT ({_DAY}) DO UPDATE SET debit_minor = known.debit_minor + EXCLUDED.debit_minor,
        credit_minor = known.credit_minor + EXCLUDED.credit_minor
)
SELECT count(*) FROM new"""  # noqa: S608 - made of constants
_BUILD: Final = f"{_new_sql('rebuilt.')} SELECT count(*) FROM new"  # noqa: S608 - made of constants


async def share(conn: Conn) -> None:
    """Prevents closing a month until the end of the transaction."""
    await conn.execute("SELECT pg_advisory_xact_lock_shared($1)", LOCK)


async def own(conn: Conn) -> None:
    """Prevents bookings until the end of the transaction."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", LOCK)


async def make_partitions(conn: Conn, months: Sequence[date]) -> None:
    await conn.execute("SELECT make_partitions($1)", months)


async def book(conn: Conn, entries: Sequence[tuple[Entry, date]]) -> int:
    """`entries`: each with its booking date. Known entries stay unchanged; returns how many are new."""
    count: int = await conn.fetchval(_BOOK, *_columns(entries))
    return count


async def build(conn: Conn, entries: Sequence[Entry]) -> None:
    """Adds entries to the rebuilt books, each on its own date. Closed months and balances follow later."""
    await conn.fetchval(_BUILD, *_columns([(entry, entry.event.happened_on) for entry in entries]))


def _columns(entries: Sequence[tuple[Entry, date]]) -> Sequence[list[object]]:
    rows = [_entry(entry, booked_on) for entry, booked_on in entries]
    moves = [row for entry, booked_on in entries for row in _postings(entry, booked_on)]
    return [*_turned(rows, ENTRY), *_turned(moves, POSTING)]


def _turned(rows: Sequence[tuple[object, ...]], columns: Mapping[str, str]) -> list[list[object]]:
    if not rows:
        return [[] for _ in columns]
    return [list(column) for column in zip(*rows, strict=True)]


def _entry(entry: Entry, booked_on: date) -> tuple[object, ...]:
    event = entry.event
    return (
        event.merchant_id,
        event.event_id,
        event.happened_on,
        booked_on,
        event.kind,
        event.currency,
        event.resource_id,
        event.payment_id,
        event.order_reference,
        event.trace_id,
        event.method,
        {day.isoformat(): minor for day, minor in sorted(event.dues.items())} or None,
    )


def _postings(entry: Entry, booked_on: date) -> Sequence[tuple[object, ...]]:
    event = entry.event
    return [
        (
            event.merchant_id,
            booked_on,
            event.event_id,
            number,
            event.happened_on,
            posting.debit.account.value,
            posting.debit.party,
            posting.credit.account.value,
            posting.credit.party,
            event.currency,
            posting.amount_minor,
        )
        for number, posting in enumerate(entry.postings, 1)
    ]
