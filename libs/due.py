"""Due rows: a loop that claims what is due and runs one flow per row.

What is due is a column of the row it concerns. `claim` is a function of the service's store that
picks due rows with FOR UPDATE SKIP LOCKED and moves their due time ahead in the same statement, so
that any number of replicas may run and a crash only delays a row.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from prometheus_client import Counter

from libs import telemetry
from libs.db import Conn, Database
from libs.logs import log

RUNS = Counter("incasso_due_rows_total", "Due rows worked on", ["name", "outcome"])

Item = TypeVar("Item")


class DueWorker(Generic[Item]):
    """`claim(conn, limit)` answers the rows; `work(row)` does one, in no transaction of the loop."""

    def __init__(
        self,
        name: str,
        db: Database,
        claim: Callable[[Conn, int], Awaitable[Sequence[Item]]],
        work: Callable[[Item], Awaitable[object]],
        *,
        interval_seconds: float = 1.0,
        batch: int = 50,
        concurrency: int = 8,
    ) -> None:
        self._name = name
        self._db = db
        self._claim = claim
        self._work = work
        self._interval = interval_seconds
        self._batch = batch
        self._limit = asyncio.Semaphore(concurrency)

    async def run(self) -> None:
        """Work until cancelled; full batches follow each other without a pause."""
        while True:
            if await self.run_once() < self._batch:
                await asyncio.sleep(self._interval)

    async def run_once(self) -> int:
        """One turn; answers how many rows were claimed."""
        try:
            async with self._db.transaction() as conn:
                items = await self._claim(conn, self._batch)
        except Exception as error:  # noqa: BLE001 - the loop outlives an outage of the database
            log.warning("claim failed", name=self._name, exc_info=error)
            return 0
        await asyncio.gather(*(self._one(item) for item in items))
        return len(items)

    async def _one(self, item: Item) -> None:
        async with self._limit:
            try:
                with telemetry.span(f"due {self._name}", parent=""):
                    await self._work(item)
            except Exception as error:  # noqa: BLE001 - the row comes again at its next due time
                RUNS.labels(self._name, "failed").inc()
                log.error("due row failed", name=self._name, exc_info=error)
            else:
                RUNS.labels(self._name, "done").inc()
