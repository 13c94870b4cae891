"""SQL of imported files and statements. Lines are copied to a staging table and inserted from there in
one statement; known lines stay unchanged.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from libs.db import Conn
from libs.rows import Table
from services.reporting.rules.imports import BankStatement, Import
from services.reporting.rules.lines import BankLine, SettlementLine

IMPORTS: Final = Table("imports", Import)
STATEMENTS: Final = Table("statements", BankStatement)
BANK_LINES: Final = Table("bank_lines", BankLine)
SETTLEMENT_LINES: Final = Table("settlement_lines", SettlementLine)
COPIED: Final = 500  # lines at a time: encoding them blocks the event loop
LOAD_SECONDS: Final = 1800.0  # for one statement over all lines of a file
_LOCK: Final = 0x1A907  # any constant: one file per merchant at a time

_STAGED: Final = {
    BANK_LINES.name: (*BANK_LINES.columns, "number", "entry_number", "names_link"),
    SETTLEMENT_LINES.name: (*SETTLEMENT_LINES.columns, "number"),
}
_BANK: Final = ", ".join(BANK_LINES.columns)
_PSP: Final = ", ".join(SETTLEMENT_LINES.columns)
# Known lines are deleted first: an INSERT that was planned for an empty partition and looked for them
# itself would scan all the rows that it has just inserted.
_KNOWN_BANK: Final = """(
    SELECT true FROM bank_lines AS known WHERE known.merchant_id = $1
        AND known.entry_id = staged.entry_id AND known.booked_on = staged.booked_on LIMIT 1)"""
_KNOWN_PSP: Final = """(
    SELECT true FROM settlement_lines AS known
    WHERE known.merchant_id = $1 AND known.id = staged.id LIMIT 1)"""
_KNOWN: Final = {BANK_LINES.name: _KNOWN_BANK, SETTLEMENT_LINES.name: _KNOWN_PSP}
# An entry that occurs twice in a file, as in overlapping statements, is imported once, with all its
# lines.
ONCE: Final = """(
    SELECT * FROM (
        SELECT *, min(entry_number) OVER (PARTITION BY entry_id) AS first
        FROM staged_bank_lines WHERE merchant_id = $1 AND import_id = $2
    ) AS every WHERE entry_number = first) AS staged"""
_TAKE: Final = {
    BANK_LINES.name: f"""
INSERT INTO bank_lines ({_BANK}) SELECT {_BANK} FROM {ONCE}""",  # noqa: S608 - made of constants
    SETTLEMENT_LINES.name: f"""
INSERT INTO settlement_lines ({_PSP})
SELECT DISTINCT ON (id) {_PSP} FROM staged_settlement_lines
WHERE merchant_id = $1 AND import_id = $2 ORDER BY id, number""",  # noqa: S608 - made of constants
}


async def of_content(conn: Conn, merchant_id: str, content_hash: str) -> Import | None:
    where = "WHERE merchant_id = $1 AND content_hash = $2"
    return await IMPORTS.one(conn, where, merchant_id, content_hash)


async def own(conn: Conn, merchant_id: str) -> None:
    """Keeps other files of the merchant from loading until the end of the transaction."""
    sql = "SELECT pg_advisory_xact_lock($1, hashtext($2))"
    await conn.raw.execute(sql, _LOCK, merchant_id, timeout=LOAD_SECONDS)


async def save(conn: Conn, imported: Import) -> None:
    """Overwrites an earlier refusal, since the file may be readable now; never an earlier import."""
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in IMPORTS.but("merchant_id", "id"))
    await conn.execute(
        f"{IMPORTS.insert()} ON CONFLICT ON CONSTRAINT imports_one_per_content"
        f" DO UPDATE SET {changes} WHERE imports.state = 'refused'",
        *IMPORTS.values(imported),
    )


async def stage(conn: Conn, table: str, records: Sequence[Sequence[Any]]) -> None:
    """`records`: the table's columns, then those that only the staging table has."""
    for start in range(0, len(records), COPIED):
        await conn.raw.copy_records_to_table(
            f"staged_{table}",
            records=records[start : start + COPIED],
            columns=_STAGED[table],
        )
        await asyncio.sleep(0)


async def take(conn: Conn, table: str, merchant_id: str, import_id: str) -> int:
    """Inserts all new staged lines; returns their number."""
    await conn.raw.execute(
        f"DELETE FROM staged_{table} AS staged"  # noqa: S608 - made of constants
        f" WHERE merchant_id = $1 AND import_id = $2 AND {_KNOWN[table]}",
        merchant_id,
        import_id,
        timeout=LOAD_SECONDS,
    )
    done: str = await conn.raw.execute(_TAKE[table], merchant_id, import_id, timeout=LOAD_SECONDS)
    return int(done.rpartition(" ")[2])


_AT_ODDS: Final = """
SELECT max(provider_reference) AS reference FROM staged_settlement_lines
WHERE merchant_id = $1 AND import_id = $2 GROUP BY id
HAVING count(*) > 1 AND count(DISTINCT (gross_minor, fee_minor, currency, kind)) > 1
ORDER BY min(number) LIMIT 1"""


async def at_odds(conn: Conn, merchant_id: str, import_id: str) -> str | None:
    """The first transaction that a staged report repeats with other amounts, currency or kind."""
    found: str | None = await conn.raw.fetchval(
        _AT_ODDS, merchant_id, import_id, timeout=LOAD_SECONDS
    )
    return found


async def clear(conn: Conn, table: str, merchant_id: str, import_id: str) -> None:
    await conn.raw.execute(
        f"DELETE FROM staged_{table} WHERE merchant_id = $1 AND import_id = $2",  # noqa: S608 - made of constants
        merchant_id,
        import_id,
        timeout=LOAD_SECONDS,
    )


async def add_statements(conn: Conn, statements: Sequence[BankStatement]) -> None:
    """Known statements stay unchanged."""
    marks = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_KINDS.values(), 1))
    columns = ", ".join(_KINDS)
    await conn.execute(
        f"INSERT INTO statements ({columns}) SELECT {columns} FROM unnest({marks})"  # noqa: S608 - made of constants
        f" AS given ({columns}) ON CONFLICT DO NOTHING",
        *STATEMENTS.arrays(statements, *_KINDS),
    )


_KINDS: Final = {
    "merchant_id": "text",
    "id": "text",
    "account": "text",
    "currency": "text",
    "reference": "text",
    "number": "text",
    "from_on": "date",
    "to_on": "date",
    "opening_minor": "bigint",
    "closing_minor": "bigint",
    "adds_up": "boolean",
    "lines": "int",
    "import_id": "text",
    "created_at": "timestamptz",
}
