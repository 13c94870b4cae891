"""Rebuilds the ledger from the event log, next to the live one: to compare the two, or to replace
it.

The log is read as of one moment, while the live ledger keeps booking. So an entry recorded before
that moment must have an event in the log, and an unbooked event gets some time to be booked. A killed
run leaves only a schema, which the next one drops.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from libs.bus import Event
from libs.db import Conn, Database
from services.reporting.flows import ingesting
from services.reporting.rules import periods
from services.reporting.rules.entries import entry_of
from services.reporting.rules.facts import BookableEvent
from services.reporting.rules.rebuilding import Compared, Difference, DifferenceKind
from services.reporting.store import books
from services.reporting.store import rebuilding as store

SHOWN: Final = 5  # differences of each kind and table
LONGEST: Final = timedelta(minutes=10)  # the longest that a transaction with events stays open
LOOK_AGAIN_SECONDS: Final = 0.5

# Yields events or facts in batches: all of them, or those recorded since a time.
Log: TypeAlias = Callable[[datetime | None], AsyncIterator[Sequence[Event]]]
OwnLog: TypeAlias = Callable[[datetime | None], AsyncIterator[Sequence[BookableEvent]]]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """`logs`: that of merchants first, since it sets the zones, then those of all services whose
    events move money. `own`: reporting's own facts.
    """

    db: Database
    logs: Sequence[Log]
    own: OwnLog

    async def build(self) -> datetime:
        """Builds the books from all events. Returns the time before reading: the log contains all
        that was recorded by then.
        """
        async with self.db.connection() as conn:
            await store.begin(conn)
            begun = await store.now(conn)
        await self._read(self.db.transaction, None)
        await self.db.run(store.analyse)
        return begun

    async def compare(self, begun: datetime, *, patience_seconds: float) -> Compared:
        """Waits up to `patience_seconds` for the ledger to book what is already in the log."""
        last = time.monotonic() + patience_seconds
        while True:
            found = await self._compared(begun)
            if not found.count(DifferenceKind.MISSING) or time.monotonic() > last:
                return found
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def replace(self, begun: datetime) -> int:
        """Replaces the ledger with the rebuilt one, including later events, in one transaction.
        Returns the number of entries.
        """
        async with self.db.transaction() as tx:
            await books.own(tx)
            await self._read(lambda: nullcontext(tx), begun - LONGEST)
            await store.date_late(tx)
            await store.sum_days(tx)
            count = await store.count(tx)
            await store.empty(tx)
            months = filter(periods.partitioned, await store.months(tx))
            await books.make_partitions(tx, sorted(months))
            await store.fill(tx)
            await store.end(tx)
        return count

    async def end(self) -> None:
        await self.db.run(store.end)

    async def _read(
        self, connected: Callable[[], AbstractAsyncContextManager[Conn]], since: datetime | None
    ) -> None:
        for log in self.logs:
            async for events in log(since):
                async with connected() as conn:
                    await _build(conn, await ingesting.ingest(conn, events, ingesting.no_zone))
        async for bookable in self.own(since):
            async with connected() as conn:
                await _build(conn, bookable)

    async def _compared(self, begun: datetime) -> Compared:
        async with self.db.snapshot() as conn:
            rows = await store.differences(conn, begun=begun, limit=SHOWN)
            count = await store.count(conn)
        first = [
            Difference(
                row["merchant_id"],
                row["place"],
                row["key"],
                DifferenceKind(row["kind"]),
                row["live"],
                row["rebuilt"],
            )
            for row in rows
        ]
        counts = {f"{row['kind']} {row['place']}": row["of_kind"] for row in rows}
        return Compared(count, first, counts)


async def _build(conn: Conn, bookable: Sequence[BookableEvent]) -> None:
    found = {each.event_id: entry for each in bookable if (entry := entry_of(each)) is not None}
    if found:
        await books.build(conn, list(found.values()))
