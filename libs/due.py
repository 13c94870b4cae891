"""Due rows: a loop that claims due rows and runs one flow per row.

The due time is a column of the row concerned. A claim (`libs/queues.py`) is a statement of the
service's store that picks due rows with FOR UPDATE SKIP LOCKED and moves their due time ahead, so
any number of replicas may run, and a crash only delays a row.

Most queues are empty most of the time: a `Lookout` checks all queues of a process with one
statement, and wakes the workers whose queues have due rows. No merchant's rows wait for another
merchant's slow PSP.
"""

import asyncio
import functools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from prometheus_client import Counter as CounterMetric

from libs import context, telemetry
from libs.db import Conn, Database
from libs.logs import log
from libs.queues import Claim, Due, Room
from libs.tasks import cancel, happens

RUNS = CounterMetric("incasso_due_rows_total", "Due rows processed", ["name", "outcome"])

INTERVAL_SECONDS: Final = 1.0  # until a row that has become due is noticed
UNWATCHED_SECONDS: Final = 60.0  # after which a worker claims without being woken

Item = TypeVar("Item", bound=Due)


@dataclass(frozen=True, slots=True)
class DueRow:
    """A row that is due by its merchant's clock, which is `clock_offset_seconds` ahead."""

    merchant_id: str
    id: str
    clock_offset_seconds: int = 0


class DueWorker(Generic[Item]):
    """`claim(conn, room)` returns the rows, in one statement; `work(row)` processes one, outside
    any transaction of the loop.

    Each row has its own slot among `concurrency`, so none waits for the slowest, and none is
    claimed before it has a slot.
    """

    def __init__(
        self,
        name: str,
        db: Database,
        claim: Callable[[Conn, Room], Awaitable[Sequence[Item]]],
        work: Callable[[Item], Awaitable[object]],
        *,
        any_due: str | None = None,
        interval_seconds: float = INTERVAL_SECONDS,
        concurrency: int = 16,
    ) -> None:
        """`any_due`: see Claim."""
        self.any_due = any_due
        self._name = name
        self._db = db
        self._claim = claim
        self._work = work
        self._interval = interval_seconds
        self._places = concurrency
        self._share = max(1, concurrency * 3 // 4)  # per merchant: the rest is for others
        self._taken: Counter[str] = Counter()  # by merchant
        self._running: set[asyncio.Task[None]] = set()
        self._rest_seconds = interval_seconds
        self._woken = asyncio.Event()

    def watched(self) -> asyncio.Event:
        """From now on the worker claims when this event is set."""
        self._rest_seconds = UNWATCHED_SECONDS
        return self._woken

    async def run(self) -> None:
        """Works until cancelled; while more is due, slots are refilled as they become free."""
        try:
            while True:
                room = self._room()
                if room.filled_by(await self._start(room)):
                    await self._some_have_ended()
                else:
                    await happens(self._woken, self._rest_seconds)
                    self._woken.clear()
        finally:
            await cancel(self._running)

    async def run_once(self) -> int:
        """One complete round; returns the number of claimed rows."""
        started = await self._start(self._room())
        if self._running:
            await asyncio.wait(self._running)
        return len(started)

    def _room(self) -> Room:
        """The free slots now: rows may end while a claim is running."""
        return Room(self._places - len(self._running), self._share, dict(self._taken))

    async def _some_have_ended(self) -> None:
        """Waits until half of the slots are free, or it is time to look for others' rows."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._interval):
                while len(self._running) > self._places // 2:
                    await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _start(self, room: Room) -> Sequence[Item]:
        """Fills the free slots; returns the number of claimed rows."""
        if room.rows <= 0:
            return ()
        try:
            async with self._db.connection() as conn:
                items = await self._claim(conn, room)
        except Exception as error:  # noqa: BLE001 - the loop outlives an outage of the database
            log.warning("claim failed", name=self._name, exc_info=error)
            return ()
        for item in items:
            self._taken[item.merchant_id] += 1
            task = asyncio.create_task(self._one(item))
            self._running.add(task)
            task.add_done_callback(functools.partial(self._end, item.merchant_id))
        return items

    def _end(self, merchant_id: str, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._taken[merchant_id] -= 1
        if not self._taken[merchant_id]:
            del self._taken[merchant_id]

    async def _one(self, item: Item) -> None:
        try:
            with telemetry.span(f"due {self._name}", parent=""):
                await self._work(item)
        except Exception as error:  # noqa: BLE001 - the row is retried at its next due time
            RUNS.labels(self._name, "failed").inc()
            log.error("due row failed", name=self._name, exc_info=error)
        else:
            RUNS.labels(self._name, "done").inc()


def worker(
    service: str,
    what: str,
    db: Database,
    claim: Claim,
    work: Callable[[Any], Awaitable[object]],
    *args: object,
    kind: Callable[..., Any] = DueRow,
    concurrency: int = 16,
    batch: int = 1,
) -> DueWorker[Any]:
    """Processes each row in the name of its merchant. `claim` returns the fields of `kind`, and
    takes `args` after the room's parameters. A row may stand for up to `batch` due rows of a
    merchant.
    """

    async def claim_rows(conn: Conn, room: Room) -> Sequence[Any]:
        found = await conn.fetch(claim.sql, *room.times(batch).values, *args)
        return [kind(**dict(row)) for row in found]

    async def work_as_merchant(row: Any) -> None:
        context.act_for(service, row.merchant_id, row.clock_offset_seconds)
        await work(row)

    name = f"{service} {what}"
    return DueWorker(
        name, db, claim_rows, work_as_merchant, any_due=claim.any_due, concurrency=concurrency
    )


class Lookout:
    """Wakes those of a process's workers that have due rows."""

    def __init__(self, db: Database, workers: Sequence[DueWorker[Any]]) -> None:
        self._db = db
        self._of = [worker.watched() for worker in workers]
        conditions = (worker.any_due or "true" for worker in workers)
        self._sql = f"SELECT ARRAY[{', '.join(conditions)}]"

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                async with self._db.connection() as conn:
                    due = await conn.fetchval(self._sql)
            except Exception as error:  # noqa: BLE001 - the loop outlives an outage of the database
                log.warning("look for due rows failed", exc_info=error)
                continue
            for woken, any_due in zip(self._of, due, strict=True):
                if any_due:
                    woken.set()
