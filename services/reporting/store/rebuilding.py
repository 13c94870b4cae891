"""SQL of the rebuilt books: the schema `rebuilt`, next to the ledger until it replaces it.

Only the database owner can do this: the service's role may only add to the ledger, and cannot
create tables.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final

from libs.db import Conn, Row
from services.reporting.store.books import ENTRY, POSTING, days_sql

_LOCK: Final = 0x1ED6E7  # any constant: one rebuild at a time
_BEGIN: Final = """
DROP SCHEMA IF EXISTS rebuilt CASCADE;
CREATE SCHEMA rebuilt;
CREATE UNLOGGED TABLE rebuilt.entries (LIKE public.entries INCLUDING DEFAULTS,
    PRIMARY KEY (merchant_id, id, happened_on));
CREATE UNLOGGED TABLE rebuilt.postings (LIKE public.postings,
    PRIMARY KEY (merchant_id, entry_id, number));
CREATE UNLOGGED TABLE rebuilt.balances (LIKE public.balances,
    PRIMARY KEY (merchant_id, account, currency, party, booked_on))"""


def _dated(table: str, key: str, columns: Collection[str]) -> str:
    """The rebuilt table with its booking dates; those of late events come from `late_entries`."""
    listed = ", ".join(
        "coalesce(late.booked_on, built.booked_on) AS booked_on"
        if column == "booked_on"
        else f"built.{column}"
        for column in columns
    )
    return (
        f"(SELECT {listed} FROM rebuilt.{table} AS built LEFT JOIN late_entries AS late"  # noqa: S608 - made of constants
        f" ON late.merchant_id = built.merchant_id AND late.entry_id = built.{key})"
    )


async def alone(conn: Conn) -> bool:
    """Whether no other rebuild is running; if so, keeps others out while the connection is open."""
    got: bool = await conn.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK)
    return got


async def now(conn: Conn) -> datetime:
    """The database's time, by which entries are recorded."""
    at: datetime = await conn.fetchval("SELECT clock_timestamp()")
    return at


async def begin(conn: Conn) -> None:
    """Creates empty books, after dropping those that a killed rebuild has left."""
    for statement in _BEGIN.split(";"):
        await conn.execute(statement)


async def end(conn: Conn) -> None:
    await conn.execute("DROP SCHEMA IF EXISTS rebuilt CASCADE")


_DATE_LATE: Final = tuple(
    f"UPDATE rebuilt.{table} AS built SET booked_on = late_entries.booked_on FROM late_entries"  # noqa: S608 - made of constants
    f" WHERE late_entries.merchant_id = built.merchant_id AND late_entries.entry_id = built.{key}"
    for table, key in (("entries", "id"), ("postings", "entry_id"))
)
# Entries not booked before, of closed months, are dated as the service would book them now. For a
# merchant whose books are lost, no entry counts as new.
_DATE_NEW: Final = """
WITH closed AS (
    SELECT merchant_id, (max(month) + interval '1 month')::date AS open FROM periods
    WHERE EXISTS (SELECT FROM entries WHERE entries.merchant_id = periods.merchant_id)
    GROUP BY merchant_id
), new AS (
    UPDATE rebuilt.entries AS built SET booked_on = closed.open FROM closed
    WHERE closed.merchant_id = built.merchant_id AND built.booked_on < closed.open
        AND NOT EXISTS (SELECT FROM entries AS live WHERE live.merchant_id = built.merchant_id
            AND live.id = built.id AND live.happened_on = built.happened_on)
        AND NOT EXISTS (SELECT FROM late_entries AS known
            WHERE known.merchant_id = built.merchant_id AND known.entry_id = built.id)
    RETURNING built.merchant_id, built.id, built.booked_on
), noted AS (
    INSERT INTO late_entries (merchant_id, entry_id, booked_on) SELECT * FROM new
)
UPDATE rebuilt.postings AS moved SET booked_on = new.booked_on FROM new
WHERE moved.merchant_id = new.merchant_id AND moved.entry_id = new.id"""


async def date_late(conn: Conn) -> None:
    """Sets the booking dates of entries of closed months, in the transaction that replaces the
    ledger.
    """
    for statement in (*_DATE_LATE, _DATE_NEW):
        await conn.execute(statement)


async def sum_days(conn: Conn) -> None:
    """Fills the rebuilt balances from all postings."""
    await conn.execute(f"INSERT INTO rebuilt.balances {days_sql('rebuilt.postings')}")


async def analyse(conn: Conn) -> None:
    await conn.execute("ANALYZE rebuilt.entries, rebuilt.postings")


async def count(conn: Conn) -> int:
    """Number of rebuilt entries."""
    found: int = await conn.fetchval("SELECT count(*) FROM rebuilt.entries")
    return found


def _row(table: str, columns: Collection[str]) -> str:
    return f"ROW({', '.join(f'{table}.{column}' for column in columns)})"


# An entry missing from the rebuilt books counts only if it was recorded before $1: before the log was read.
_DIFFERENCES: Final = f"""
WITH entry AS (
    SELECT merchant_id, id AS key, 'entries' AS place, to_jsonb(live) - 'recorded_at' AS live,
        to_jsonb(built) - 'recorded_at' AS rebuilt
    FROM entries AS live FULL JOIN {_dated("entries", "id", ENTRY)} AS built USING (merchant_id, id, happened_on)
    WHERE CASE WHEN built.kind IS NULL THEN live.recorded_at < $1 WHEN live.kind IS NULL THEN true
        ELSE {_row("live", ENTRY)} IS DISTINCT FROM {_row("built", ENTRY)} END
), posting AS (
    SELECT merchant_id, entry_id || ' ' || number AS key, 'postings' AS place,
        to_jsonb(live) AS live, to_jsonb(built) AS rebuilt
    FROM postings AS live FULL JOIN {_dated("postings", "entry_id", POSTING)} AS built USING (merchant_id, entry_id, number)
    WHERE {_row("live", POSTING)} IS DISTINCT FROM {_row("built", POSTING)}
        AND EXISTS (SELECT FROM entries WHERE (merchant_id, id, happened_on)
            = (coalesce(live.merchant_id, built.merchant_id), coalesce(live.entry_id, built.entry_id),
                coalesce(live.happened_on, built.happened_on)))
        AND EXISTS (SELECT FROM rebuilt.entries WHERE (merchant_id, id, happened_on)
            = (coalesce(live.merchant_id, built.merchant_id), coalesce(live.entry_id, built.entry_id),
                coalesce(live.happened_on, built.happened_on)))
), balance AS (
    SELECT merchant_id, concat_ws(' ', account, nullif(party, ''), currency, booked_on) AS key,
        'balances' AS place, to_jsonb(live) AS live, to_jsonb(summed) AS rebuilt
    FROM balances AS live FULL JOIN ({days_sql("postings")}) AS summed
        USING (merchant_id, account, currency, party, booked_on)
    WHERE (live.debit_minor, live.credit_minor) IS DISTINCT FROM (summed.debit_minor, summed.credit_minor)
), every AS (SELECT * FROM entry UNION ALL SELECT * FROM posting UNION ALL SELECT * FROM balance)
SELECT * FROM (
    SELECT merchant_id, key, place, kind, live, rebuilt, count(*) OVER one_kind AS of_kind,
        row_number() OVER (one_kind ORDER BY merchant_id, key) AS number
    FROM every CROSS JOIN LATERAL (SELECT CASE WHEN live IS NULL THEN 'missing'
        WHEN rebuilt IS NULL THEN 'unknown' ELSE 'differs' END AS kind) AS kinds
    WINDOW one_kind AS (PARTITION BY place, kind)
) AS numbered
WHERE number <= $2 ORDER BY place, kind, number"""  # noqa: S608 - made of constants


async def differences(conn: Conn, *, begun: datetime, limit: int) -> Sequence[Row]:
    """Compares, in one snapshot, entries and postings with the rebuilt ones, and balances with the
    postings. Returns up to `limit` rows per kind and table; `of_kind` is their total number.
    """
    return await conn.fetch(_DIFFERENCES, begun, limit)


async def months(conn: Conn) -> Sequence[date]:
    """The months of all event and booking dates."""
    rows = await conn.fetch(
        "SELECT DISTINCT date_trunc('month', day)::date AS month FROM rebuilt.entries"
        " CROSS JOIN LATERAL (VALUES (happened_on), (booked_on)) AS days (day)"
    )
    return [row["month"] for row in rows]


async def empty(conn: Conn) -> None:
    """Empties the ledger, in the transaction that refills it. Entries keep their recording times."""
    await conn.execute(
        "UPDATE rebuilt.entries AS built SET recorded_at = live.recorded_at FROM entries AS live"
        " WHERE live.merchant_id = built.merchant_id AND live.id = built.id"
        " AND live.happened_on = built.happened_on"
    )
    await conn.execute("TRUNCATE entries, postings, balances")


async def fill(conn: Conn) -> None:
    for table in ("entries", "postings", "balances"):
        await conn.execute(f"INSERT INTO {table} SELECT * FROM rebuilt.{table}")  # noqa: S608 - made of constants
