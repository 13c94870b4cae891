"""Tests wait for facts that last, never for a length of time.

The bound is one for hanging: it says nothing about speed, so it holds beside a busy neighbour too.
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
# Who waits for long looks less often, and so leaves the processor to what it waits for: a tenth of the time, at most half
# a second, is lost by it.
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
    """What the condition, a plain or an asynchronous one, answers once it is true, which lasts.

    `despite`: errors that are no answer, as of a service that is away.
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
    """Also one whose parent has not taken note of its end, as a busy init, runs no more."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
