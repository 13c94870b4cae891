"""Combines what many callers need at the same moment: one statement over a set, one call for all.

Callers that arrive during a run are combined in the next. Where a short wait does no harm, as with
mails, a run starts a little later so that others can join.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from libs.db import Conn, Database, StatementError
from libs.tasks import happens

MOST: Final = 100  # at once
ENOUGH: Final = 8  # enough to start without waiting for more

A = TypeVar("A")
B = TypeVar("B")
Work: TypeAlias = Callable[[Conn, Sequence[A]], Awaitable[Sequence[B]]]


class Gathering(Generic[A, B]):
    """`work` returns an answer for each item, in order. If it raises `refused`, nothing was done,
    and each item is tried alone so that one cannot fail the others. Any other error may have come
    after the effect, and is raised to all.

    `join_seconds`: how long others may join, unless there are `ENOUGH`.
    """

    def __init__(
        self,
        work: Callable[[Sequence[A]], Awaitable[Sequence[B]]],
        *,
        refused: tuple[type[Exception], ...] = (),
        join_seconds: float = 0.0,
    ) -> None:
        self._work = work
        self._refused = refused
        self._join_seconds = join_seconds
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
                await self._others()
                now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._together(now)
        finally:
            self._running = None

    async def _others(self) -> None:
        """Other items that arrive at this moment, or within the given time."""
        await asyncio.sleep(0)
        if self._join_seconds and len(self._waiting) < ENOUGH:
            self._enough.clear()
            await happens(self._enough, self._join_seconds)

    async def _together(self, now: Sequence[tuple[A, "asyncio.Future[B]"]]) -> None:
        try:
            answers = await self._work([asked for asked, _ in now])
        except self._refused as error:
            if len(now) > 1:
                for one in now:
                    await self._together([one])
            else:
                _tell(now, error)
        except Exception as error:  # noqa: BLE001 - told to those who asked
            _tell(now, error)
        except BaseException:
            for _, future in now:
                future.cancel()
            raise
        else:
            for (_, future), answer in zip(now, answers, strict=True):
                if not future.done():  # the caller may have given up waiting
                    future.set_result(answer)


def _tell(now: Sequence[tuple[Any, "asyncio.Future[Any]"]], error: Exception) -> None:
    for _, future in now:
        if not future.done():
            future.set_exception(error)


class Joint:
    """Statements on one database, given as functions of stores."""

    def __init__(self, db: Database, *, join_seconds: float = 0.0) -> None:
        self._db = db
        self._join_seconds = join_seconds
        self._gatherings: dict[tuple[object, bool], Gathering[Any, Any]] = {}

    async def statement(self, work: Work[A, B], asked: A) -> B:
        """`work` is one statement that commits on its own."""
        return await self._of(work, whole=False)(asked)

    async def transaction(self, work: Work[A, B], asked: A) -> B:
        """`work` needs several statements."""
        return await self._of(work, whole=True)(asked)

    def _of(self, work: Work[A, B], *, whole: bool) -> Gathering[A, B]:
        found = self._gatherings.get((work, whole))
        if found is None:
            found = self._gatherings[work, whole] = Gathering(
                partial(self._do, work, whole=whole),
                refused=(StatementError,),
                join_seconds=self._join_seconds,
            )
        return found

    async def _do(self, work: Work[A, B], asked: Sequence[A], *, whole: bool) -> Sequence[B]:
        async with self._db.transaction() if whole else self._db.connection() as conn:
            return await work(conn, asked)
