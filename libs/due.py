"""Due rows: a loop that claims due rows and runs one flow per row.

The due time is a column of the row concerned. `claim` is a function of the service's store that
picks due rows with FOR UPDATE SKIP LOCKED and moves their due time ahead in the same statement, so
any number of replicas may run, and a crash only delays a row. `fair_sql` picks the rows.

A merchant with ten thousand due rows does not delay another merchant's single row: rows are picked
from each merchant in turn, and some slots are reserved for others, however slow one merchant's PSP
is.
"""

import asyncio
import functools
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from prometheus_client import Counter as CounterMetric

from libs import context, telemetry
from libs.clock import SQL_JOIN, SQL_NOW
from libs.db import Conn, Database
from libs.logs import log
from libs.tasks import cancel

RUNS = CounterMetric("incasso_due_rows_total", "Due rows worked on", ["name", "outcome"])

CONSIDERED: Final = 5_000  # due rows considered from either end, among which merchants take turns
# Time until a row that was worked on `checks` times is due again, in SQL.
BACKOFF: Final = "least(interval '15 seconds' * 2 ^ least(checks, 8), interval '1 hour')"
REPLICAS: Final = 4  # that can claim at the same moment and still find rows of their own


@dataclass(frozen=True, slots=True)
class Room:
    """What a worker can take: rows in total, per merchant, and rows in progress by merchant."""

    rows: int
    share: int
    taken: Mapping[str, int] = field(default_factory=dict)

    @property
    def values(self) -> tuple[object, ...]:
        """The first three parameters of a claim."""
        return self.rows, self.share, dict(self.taken)

    def filled_by(self, found: "Sequence[Due]") -> bool:
        """Whether more may be due than a claim returned: it used up all slots, or all of one
        merchant.
        """
        of_each = Counter(self.taken) + Counter(row.merchant_id for row in found)
        return len(found) >= self.rows or max(of_each.values(), default=0) >= self.share

    def times(self, batch: int) -> "Room":
        """For rows that stand for several others, which share one slot."""
        taken = {merchant_id: count * batch for merchant_id, count in self.taken.items()}
        return Room(self.rows * batch, self.share * batch, taken)


def fair_sql(
    table: str,
    *,
    at: str = "due_at",
    where: str = "true",
    columns: str = "merchant_id, id",
    now: str = "now()",
    by_test_clock: bool = False,
    lock: str = "FOR UPDATE",
) -> str:
    """Due rows of `table`, locked, each merchant's oldest first, for use in a WITH. $1 to $3 are
    Room's.

    Considers the oldest and the newest due rows, so that another merchant's row is seen on time
    behind a flood of any size. `by_test_clock` adds rows that are due only by their merchant's
    clock, which is joined as `clock`.
    """
    taken = "coalesce(($3::jsonb ->> merchant_id)::int, 0)"
    also = f"AND {where} AND {taken} < $2"
    looked_at = [  # S608: made of constants
        f"(SELECT {table}.ctid AS row, merchant_id, {at} AS due FROM {table}"  # noqa: S608 - made of constants
        f" WHERE {at} <= {now} {also} ORDER BY {at} {end} LIMIT {CONSIDERED})"
        for end in ("ASC", "DESC")
    ]
    join = ""
    if by_test_clock:
        looked_at.append(
            f"(SELECT {table}.ctid, merchant_id, {at} - clock_offset FROM test_clocks JOIN {table}"  # noqa: S608 - made of constants
            f" USING (merchant_id) WHERE {at} > now() AND {at} <= now() + clock_offset {also}"
            f" ORDER BY {at} LIMIT {CONSIDERED})"
        )
        join, now = SQL_JOIN, SQL_NOW
    return f"""
    SELECT * FROM (
        SELECT locked.*, row_number() OVER (PARTITION BY merchant_id ORDER BY place) + {taken} AS nth
        FROM (
            SELECT {columns}, place FROM {table} JOIN (
                SELECT row AS ctid, due,
                    row_number() OVER (PARTITION BY merchant_id ORDER BY due) + {taken} AS place
                FROM ({" UNION ".join(looked_at)}) AS looked_at
                ORDER BY place, due LIMIT $1 * {REPLICAS}
            ) AS turns ON turns.ctid = {table}.ctid {join}
            WHERE {at} <= {now} AND {where}
            ORDER BY place, turns.due LIMIT $1 {lock} OF {table} SKIP LOCKED
        ) AS locked
    ) AS numbered WHERE nth <= $2"""  # noqa: S608 - made of constants


class Due(Protocol):
    """A due row, with its merchant."""

    @property
    def merchant_id(self) -> str: ...


Item = TypeVar("Item", bound=Due)
# For a claim that joins the clock of each row's merchant.
CLOCK_OFFSET: Final = (
    "coalesce(extract(epoch FROM clock_offset), 0)::bigint AS clock_offset_seconds"
)


@dataclass(frozen=True, slots=True)
class DueRow:
    """A row that is due by its merchant's clock, which is ahead by this much."""

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
        interval_seconds: float = 1.0,
        concurrency: int = 16,
    ) -> None:
        self._name = name
        self._db = db
        self._claim = claim
        self._work = work
        self._interval = interval_seconds
        self._places = concurrency
        self._share = max(1, concurrency * 3 // 4)  # per merchant: the rest is for others
        self._taken: Counter[str] = Counter()  # by merchant
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Works until cancelled; while more is due, slots are refilled as they become free."""
        try:
            while True:
                room = self._room()
                if room.filled_by(await self._start(room)):
                    await self._some_have_ended()
                else:
                    await asyncio.sleep(self._interval)
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
        except Exception as error:  # noqa: BLE001 - the row comes again at its next due time
            RUNS.labels(self._name, "failed").inc()
            log.error("due row failed", name=self._name, exc_info=error)
        else:
            RUNS.labels(self._name, "done").inc()


def worker(
    service: str,
    what: str,
    db: Database,
    claim_sql: str,
    work: Callable[[Any], Awaitable[object]],
    *args: object,
    kind: Callable[..., Any] = DueRow,
    concurrency: int = 16,
    batch: int = 1,
) -> DueWorker[Any]:
    """Processes each row in the name of its merchant. `claim_sql` returns the fields of `kind`, and
    takes `args` after the room's parameters. A row may stand for up to `batch` due rows of a
    merchant.
    """

    async def claim(conn: Conn, room: Room) -> Sequence[Any]:
        found = await conn.fetch(claim_sql, *room.times(batch).values, *args)
        return [kind(**dict(row)) for row in found]

    async def work_as_merchant(row: Any) -> None:
        context.act_for(service, row.merchant_id, row.clock_offset_seconds)
        await work(row)

    name = f"{service} {what}"
    return DueWorker(name, db, claim, work_as_merchant, concurrency=concurrency)
