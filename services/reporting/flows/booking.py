"""Books facts as entries: any number, for any merchants, in their inbox transaction."""

from collections.abc import Sequence
from datetime import date, datetime

from libs.db import Conn
from services.reporting.rules import items, periods
from services.reporting.rules.entries import Entry, entry_of
from services.reporting.rules.facts import BookableEvent
from services.reporting.store import books
from services.reporting.store import items as items_store
from services.reporting.store import periods as store


async def book(conn: Conn, bookable: Sequence[BookableEvent]) -> int:
    """Works in any order and is idempotent: existing entries stay unchanged. Returns the number of
    new entries.
    """
    found = {each.event_id: entry for each in bookable if (entry := entry_of(each)) is not None}
    if not found:
        return 0
    await books.share(conn)
    closed = await store.closed(conn, {entry.event.merchant_id for entry in found.values()})
    dated = [
        (
            entry,
            periods.booked_on(entry.event.happened_on, closed=closed.get(entry.event.merchant_id)),
        )
        for entry in found.values()
    ]
    await books.make_partitions(conn, _months(dated))
    return await books.book(conn, dated)


async def expect(conn: Conn, bookable: Sequence[BookableEvent], now: datetime) -> None:
    """Adds the items that reports and statements should confirm."""
    found = [item for each in bookable if (item := items.expected(each, now)) is not None]
    if found:
        await items_store.expect(conn, found)


def _months(dated: Sequence[tuple[Entry, date]]) -> Sequence[date]:
    days = {day for entry, booked_on in dated for day in (entry.event.happened_on, booked_on)}
    return sorted({periods.first_day(day) for day in days if periods.partitioned(day)})
