"""Reads the rows of reports with a database cursor, in one snapshot."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from libs.db import Conn, Row
from services.reporting.rules.tables import Asked, Report

BATCH: Final = 2_000  # rows in memory
SECONDS: Final = 3600.0  # for one statement


def _values(merchant_id: str, asked: Asked) -> tuple[object, ...]:
    return merchant_id, asked.booked_from, asked.booked_to, asked.currency


async def first(
    conn: Conn, report: Report, merchant_id: str, asked: Asked, limit: int, *, seconds: float
) -> Sequence[Row]:
    """Raises TimeoutError."""
    cursor = await conn.raw.cursor(report.sql, *_values(merchant_id, asked), timeout=seconds)
    return await cursor.fetch(limit, timeout=seconds)


async def batches(
    conn: Conn, report: Report, merchant_id: str, asked: Asked
) -> AsyncIterator[Sequence[Row]]:
    cursor = await conn.raw.cursor(report.sql, *_values(merchant_id, asked), timeout=SECONDS)
    while rows := await cursor.fetch(BATCH, timeout=SECONDS):
        yield rows
