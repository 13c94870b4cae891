"""SQL that reads lines for booking, one block at a time."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, Final

from libs.db import Conn
from libs.rows import Table
from services.reporting.rules import own_facts
from services.reporting.rules.facts import BookableEvent
from services.reporting.rules.lines import BankLine, SettlementLine
from services.reporting.store.imports import BANK_LINES, SETTLEMENT_LINES
from services.reporting.store.items import CLEARINGS

_IN: Final = "WHERE merchant_id = $1 AND import_id = $2 AND id > $3 ORDER BY id LIMIT $4"


async def bank_lines(
    conn: Conn, merchant_id: str, import_id: str, batch: int
) -> AsyncIterator[Sequence[BankLine]]:
    async for lines in _blocks(conn, BANK_LINES, merchant_id, import_id, batch):
        yield lines


async def settlement_lines(
    conn: Conn, merchant_id: str, import_id: str, batch: int
) -> AsyncIterator[Sequence[SettlementLine]]:
    async for lines in _blocks(conn, SETTLEMENT_LINES, merchant_id, import_id, batch):
        yield lines


async def _blocks(
    conn: Conn, table: Table[Any], merchant_id: str, import_id: str, batch: int
) -> AsyncIterator[Sequence[Any]]:
    last = ""
    while lines := await table.all(conn, _IN, merchant_id, import_id, last, batch):
        yield lines
        last = lines[-1].id


async def every(
    conn: Conn, batch: int, *, since: datetime | None = None
) -> AsyncIterator[Sequence[BookableEvent]]:
    """Yields all merchants' facts, or those recorded since a time."""
    kinds: Sequence[tuple[Table[Any], Callable[[Any, str], BookableEvent | None]]] = (
        (SETTLEMENT_LINES, own_facts.of_settlement),
        (BANK_LINES, own_facts.of_bank),
    )
    for table, bookable_of in kinds:
        async for rows in _every(conn, table, batch, since, traced=True):
            bookable = [bookable_of(table.read(row), row["import_trace_id"]) for row in rows]
            yield [each for each in bookable if each is not None]
    async for rows in _every(conn, CLEARINGS, batch, since, traced=False):
        yield [own_facts.of_clearing(CLEARINGS.read(row)) for row in rows]


async def _every(
    conn: Conn, table: Table[Any], batch: int, since: datetime | None, *, traced: bool
) -> AsyncIterator[Sequence[Any]]:
    columns = ", ".join(f"line.{column}" for column in table.columns)
    join = ""
    if traced:
        columns += ", coalesce(imports.trace_id, '') AS import_trace_id"
        join = "LEFT JOIN imports ON imports.merchant_id = line.merchant_id AND imports.id = line.import_id"
    sql = (
        f"SELECT {columns} FROM {table.name} AS line {join}"  # noqa: S608 - made of constants
        " WHERE (line.merchant_id, line.id) > ($1, $2)"
        " AND ($3::timestamptz IS NULL OR line.created_at >= $3)"
        " ORDER BY line.merchant_id, line.id LIMIT $4"
    )
    place = ("", "")
    while rows := await conn.fetch(sql, *place, since, batch):
        yield rows
        place = rows[-1]["merchant_id"], rows[-1]["id"]
