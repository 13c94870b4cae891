"""Heavy computing beside the event loop: parsing mail, pictures, large JSON.

Authenticate and cap the size first. Threads share one interpreter lock: they keep the loop alive,
they do not make it faster, and one long call into C (a regular expression) still holds it. So the
cost of what runs here must be linear in its input all the same. They hand the lock over often, as
the loop asks for it many times a request.
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
SWITCH_SECONDS: Final = 0.0005  # Python's own are 0.005
WAITING: Final = 64  # calls for whom there is a place to wait; the next is refused

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A few threads and a queue with an end."""

    def __init__(self, *, concurrency: int = CONCURRENCY, waiting: int = WAITING) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="beside-the-loop")
        self._room = threading.BoundedSemaphore(concurrency + waiting)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(…)` in a thread, in the context of this call. ServiceUnavailable when too many wait.

        A call that is cancelled leaves a started `work` to its end.
        """
        if not self._room.acquire(blocking=False):
            raise ServiceUnavailable
        call = functools.partial(contextvars.copy_context().run, work, *args, **kwargs)
        return await asyncio.wrap_future(self._started(call))

    def _started(self, call: Callable[[], T]) -> "Future[T]":
        """No name of `run` holds it: its error would hold the frame of `run`, and so itself."""
        done = self._pool.submit(call)
        done.add_done_callback(lambda _: self._room.release())
        return done


_THREADS: Final = Threads()
run: Final = _THREADS.run  # the process's own
