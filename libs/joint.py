"""Statements that many need at the same moment, made as one over a set.

Nobody waits for others to come: a call that finds none under way begins at once, and those that come
while it runs are made together when it ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from libs.db import Conn, Database, StatementError

MOST: Final = 100  # in one statement

A = TypeVar("A")
B = TypeVar("B")
Work: TypeAlias = Callable[[Conn, Sequence[A]], Awaitable[Sequence[B]]]


@dataclass(slots=True)
class _Queue:
    """What waits for its turn: what is asked, and who is told the answer."""

    waiting: list[tuple[Any, "asyncio.Future[Any]"]] = field(default_factory=list)
    running: "asyncio.Task[None] | None" = None


class Joint:
    """On one database. `work` answers what each was asked, in the same order."""

    def __init__(self, db: Database) -> None:
        self._db = db
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
            await asyncio.sleep(0)  # whoever is as far at this very moment
            while queue.waiting:
                now, queue.waiting = queue.waiting[:MOST], queue.waiting[MOST:]
                await self._together(now, work, whole=whole)
        finally:
            queue.running = None

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
