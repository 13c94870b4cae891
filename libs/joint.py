"""Statements that many need at the same moment, made as one over a set.

Those that come while one runs are made together when it ends. Where nobody minds a moment, as with
mails, one begins a little later, so that others may join it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from libs.db import Conn, Database, StatementError

MOST: Final = 100  # in one statement
ENOUGH: Final = 8  # who do not wait for more
STEP_SECONDS: Final = 0.01

A = TypeVar("A")
B = TypeVar("B")
Work: TypeAlias = Callable[[Conn, Sequence[A]], Awaitable[Sequence[B]]]


@dataclass(slots=True)
class _Queue:
    """What waits for its turn: what is asked, and who is told the answer."""

    waiting: list[tuple[Any, "asyncio.Future[Any]"]] = field(default_factory=list)
    running: "asyncio.Task[None] | None" = None


class Joint:
    """On one database. `work` answers what each was asked, in the same order.

    `join_seconds`: how long others may join, unless there are `ENOUGH`.
    """

    def __init__(self, db: Database, *, join_seconds: float = 0.0) -> None:
        self._db = db
        self._join_seconds = join_seconds
        self._queues: dict[tuple[object, bool], _Queue] = {}

    async def statement(self, work: Work[A, B], asked: A) -> B:
        """By a function of a store that is one statement, which commits by itself."""
        return await self._do(work, asked, whole=False)

    async def transaction(self, work: Work[A, B], asked: A) -> B:
        """By one that needs several."""
        return await self._do(work, asked, whole=True)

    async def _do(self, work: Work[A, B], asked: A, *, whole: bool) -> B:
        queue = self._queues.setdefault((work, whole), _Queue())
        answer: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        queue.waiting.append((asked, answer))
        if queue.running is None:
            queue.running = asyncio.create_task(self._run(queue, work, whole=whole))
        return await answer

    async def _run(self, queue: _Queue, work: Work[A, B], *, whole: bool) -> None:
        try:
            while queue.waiting:
                await self._others(queue)
                now, queue.waiting = queue.waiting[:MOST], queue.waiting[MOST:]
                await self._together(now, work, whole=whole)
        finally:
            queue.running = None

    async def _others(self, queue: _Queue) -> None:
        """Whoever is as far at this very moment, or within the time there is."""
        ends = time.monotonic() + self._join_seconds
        await asyncio.sleep(0)
        while len(queue.waiting) < ENOUGH and time.monotonic() < ends:
            await asyncio.sleep(STEP_SECONDS)

    async def _together(
        self, now: list[tuple[Any, "asyncio.Future[Any]"]], work: Work[A, B], *, whole: bool
    ) -> None:
        """What the database refuses of many is asked one by one: the others have no part in it.

        Anything else that goes wrong may have come after the effect, and is told to all.
        """
        opened = self._db.transaction() if whole else self._db.connection()
        try:
            async with opened as conn:
                answers = await work(conn, [asked for asked, _ in now])
        except StatementError as error:
            if len(now) > 1:
                for one in now:
                    await self._together([one], work, whole=whole)
                return
            _tell(now[0][1], error)
        except BaseException as error:
            for _, future in now:
                _tell(future, error if isinstance(error, Exception) else asyncio.CancelledError())
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), answer in zip(now, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _tell(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, asyncio.CancelledError):
        future.cancel()
    else:
        future.set_exception(error)
