"""Work that outlives the call that started it: owned here, awaited at shutdown.

A shopper who closes the browser cancels the RPC, never the charge in progress.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final, TypeVar

T = TypeVar("T")

_CANCEL_AGAIN_SECONDS: Final = 0.2


class Tasks:
    """The tasks of one process."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits `work`; if the awaiting call is cancelled, `work` still runs to its end."""
        return await asyncio.shield(self._started(work))

    def _started(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """`finish` keeps no reference to the task: the task's error would refer to the frame of
        `finish`, and so to itself.
        """
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # its awaiter gets the error; no warning if there is none

    async def wait(self, timeout_seconds: float) -> int:
        """Waits for running tasks; returns how many did not end in time."""
        if not self._running:
            return 0
        _, pending = await asyncio.wait(self._running, timeout=timeout_seconds)
        return len(pending)


async def happens(event: asyncio.Event, within_seconds: float) -> bool:
    """Whether the event is set in time.

    `asyncio.wait_for` of Python 3.11 loses a cancellation that arrives at the same moment.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within_seconds):
            await event.wait()
    return event.is_set()


async def cancel(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancels until they have ended: libraries that race a timeout may swallow a cancellation."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_SECONDS)
