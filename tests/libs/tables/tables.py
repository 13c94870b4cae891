"""Tables for the tests of their writers."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from libs.money import Money
from libs.tables.model import Column, Format, Kind, Row, Table
from libs.tables.writing import write

PAYMENTS = Table(
    "payments",
    (
        Column("id"),
        Column("count", Kind.INTEGER),
        Column("amount", Kind.MONEY),
        Column("fee", Kind.MONEY, states_currency=False),
        Column("booked_on", Kind.DATE),
        Column("created_at", Kind.TIME),
        Column("live", Kind.FLAG),
        Column("rate", Kind.DECIMAL),
    ),
)
AT = datetime(2026, 11, 26, 10, 30, 15, 250_000, UTC)
IN_ROME = AT.astimezone(timezone(timedelta(hours=1)))


def payment(number: int, *, currency: str = "EUR") -> Row:
    return (
        f"pay_{number}",
        number,
        Money(5990 + number, currency),
        Money(-29, currency),
        date(2026, 11, 26),
        IN_ROME,
        number % 2 == 0,
        Decimal("22.5"),
    )


EMPTY: Row = (None,) * len(PAYMENTS.columns)


async def batches(*parts: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    for rows in parts:
        yield rows


def written(table: Table, form: Format, *parts: Sequence[Row]) -> bytes:
    async def whole() -> bytes:
        return b"".join([piece async for piece in write(table, form, batches(*parts))])

    return asyncio.run(whole())


def of_texts(texts: Iterable[str], form: Format) -> bytes:
    return written(Table("texts", (Column("text"),)), form, [(text,) for text in texts])
