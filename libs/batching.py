"""Combines concurrent requests: one statement over a set, one call for all.

Callers that arrive during a run are combined in the next. Where a short wait does no harm, as with
e-mails, a run starts a little later so that others can join.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from libs.db import Conn, Database, StatementError
from libs.tasks import happens

MAX_BATCH: Final = 100  # at once
ENOUGH: Final = 8  # enough to start without waiting for more

A = TypeVar("A")
B = TypeVar("B")
Work: TypeAlias = Callable[[Conn, Sequence[A]], Awaitable[Sequence[B]]]


class Batcher(Generic[A, B]):
    """`work` returns an answer for each item, in order. If it raises `refused`, nothing was done,
    and each item is tried alone so that one cannot fail the others. Any other error may have come
    after the effect, and is raised to all.

    `linger_seconds`: how long others may join, unless there are `ENOUGH`.
    """

    def __init__(
        self,
        work: Callable[[Sequence[A]], Awaitable[Sequence[B]]],
        *,
        refused: tuple[type[Exception], ...] = (),
        linger_seconds: float = 0.0,
    ) -> None:
        self._work = work
        self._refused = refused
        self._linger_seconds = linger_seconds
        self._waiting: list[tuple[A, asyncio.Future[B]]] = []
        self._enough = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, asked: A) -> B:
        answer: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if len(self._waiting) >= ENOUGH:
            self._enough.set()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._linger()
                now, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._run_batch(now)
        finally:
            self._running = None

    async def _linger(self) -> None:
        """Waits for items that arrive at the same moment, or within the given time."""
        await asyncio.sleep(0)
        if self._linger_seconds and len(self._waiting) < ENOUGH:
            self._enough.clear()
            await happens(self._enough, self._linger_seconds)

    async def _run_batch(self, now: Sequence[tuple[A, "asyncio.Future[B]"]]) -> None:
        try:
            answers = await self._work([asked for asked, _ in now])
        except self._refused as error:
            if len(now) > 1:
                for one in now:
                    await self._run_batch([one])
            else:
                _fail_all(now, error)
        except Exception as error:  # noqa: BLE001 - raised to the callers
            _fail_all(now, error)
        except BaseException:
            for _, future in now:
                future.cancel()
            raise
        else:
            for (_, future), answer in zip(now, answers, strict=True):
                if not future.done():  # the caller may have given up waiting
                    future.set_result(answer)


def _fail_all(now: Sequence[tuple[Any, "asyncio.Future[Any]"]], error: Exception) -> None:
    for _, future in now:
        if not future.done():
            future.set_exception(error)


class StatementBatcher:
    """Batches statements on one database, given as functions of stores."""

    def __init__(self, db: Database, *, linger_seconds: float = 0.0) -> None:
        self._db = db
        self._linger_seconds = linger_seconds
        self._batchers: dict[tuple[object, bool], Batcher[Any, Any]] = {}

    async def statement(self, work: Work[A, B], asked: A) -> B:
        """`work` is one statement that commits on its own."""
        return await self._of(work, whole=False)(asked)

    async def transaction(self, work: Work[A, B], asked: A) -> B:
        """`work` needs several statements."""
        return await self._of(work, whole=True)(asked)

    def _of(self, work: Work[A, B], *, whole: bool) -> Batcher[A, B]:
        found = self._batchers.get((work, whole))
        if found is None:
            found = self._batchers[work, whole] = Batcher(
                partial(self._do, work, whole=whole),
                refused=(StatementError,),
                linger_seconds=self._linger_seconds,
            )
        return found

    async def _do(self, work: Work[A, B], asked: Sequence[A], *, whole: bool) -> Sequence[B]:
        async with self._db.transaction() if whole else self._db.connection() as conn:
            return await work(conn, asked)
