"""Tests wait for lasting conditions, never for a length of time.

The timeout only catches hanging tests: it says nothing about speed, so it also suits a busy machine.
"""

import asyncio
import contextlib
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psutil
import pytest

HANGING_SECONDS: Final = 150.0
# Long waits poll less often and leave the CPU to the work that they wait for: this delays a test by a tenth of the wait,
# at most half a second.
PART: Final = 0.1
SELDOM_SECONDS: Final = 0.5
Condition = Callable[[], Awaitable[object] | object]


async def until(
    condition: Condition,
    *,
    within_seconds: float = HANGING_SECONDS,
    every_seconds: float = 0.01,
    despite: tuple[type[Exception], ...] = (),
) -> Any:
    """Returns the result of the condition, sync or async, once it is true. It must stay true from then on.

    `despite`: errors to ignore, such as those of an unavailable service.
    """
    began = time.monotonic()
    try:
        async with asyncio.timeout(within_seconds):
            while True:
                with contextlib.suppress(*despite):
                    if found := await holds(condition):
                        return found
                seldom = min(PART * (time.monotonic() - began), SELDOM_SECONDS)
                await asyncio.sleep(max(every_seconds, seldom))
    except TimeoutError:
        pytest.fail(f"not within {within_seconds:.0f} s: {inspect.getsource(condition).strip()}")


async def holds(condition: Condition) -> object:
    found = condition()
    return await found if inspect.isawaitable(found) else found


def is_running(pid: int) -> bool:
    """False also for a zombie, whose parent, such as a busy init, has not yet reaped it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
