"""Heavy computation off the event loop: parsing mail, images, large JSON.

Authenticate and limit the size first. Threads share one interpreter lock: they keep the loop alive
but are not faster, and one long call into C (a regular expression) still blocks it. So the cost of
what runs here must still be linear in its input. Threads release the lock often, since the loop
needs it many times per request.
"""

import asyncio
import contextvars
import functools
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from libs.errors import ServiceUnavailable

CONCURRENCY: Final = 2
SWITCH_SECONDS: Final = 0.0005  # Python's default is 0.005
WAITING: Final = 64  # queued calls; the next one is refused

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A few threads and a bounded queue."""

    def __init__(self, *, concurrency: int = CONCURRENCY, waiting: int = WAITING) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="beside-the-loop")
        self._room = threading.BoundedSemaphore(concurrency + waiting)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(…)` in a thread, in the context of this call. Raises ServiceUnavailable if too many
        wait.

        If the call is cancelled, started `work` still runs to its end.
        """
        if not self._room.acquire(blocking=False):
            raise ServiceUnavailable
        call = functools.partial(contextvars.copy_context().run, work, *args, **kwargs)
        return await asyncio.wrap_future(self._started(call))

    def _started(self, call: Callable[[], T]) -> "Future[T]":
        """`run` keeps no reference to the future: the future's error would refer to the frame of
        `run`, and so to itself.
        """
        done = self._pool.submit(call)
        done.add_done_callback(lambda _: self._room.release())
        return done


_THREADS: Final = Threads()
run: Final = _THREADS.run  # shared by the process
