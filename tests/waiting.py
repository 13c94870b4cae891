"""Tests wait for facts that last, never for a length of time.

The bound is one for hanging: it says nothing about speed, so it holds beside a busy neighbour too.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

HANGING_SECONDS: Final = 60.0
Condition = Callable[[], Awaitable[object] | object]


async def until(condition: Condition, *, within_seconds: float = HANGING_SECONDS) -> None:
    """Until the condition, a plain or an asynchronous one, is true."""
    try:
        async with asyncio.timeout(within_seconds):
            while not await holds(condition):  # noqa: ASYNC110 - whatever it asks, it tells no event
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"not within {within_seconds:.0f} s: {inspect.getsource(condition).strip()}")


async def holds(condition: Condition) -> object:
    found = condition()
    return await found if inspect.isawaitable(found) else found
