"""Waiting ends when it is cancelled, even if the event comes at the same moment."""

import asyncio

import pytest

from libs.tasks import happens
from tests.waiting import HANGING_SECONDS, until


@pytest.mark.parametrize("turns", range(5))
async def test_a_cancellation_at_the_moment_of_the_event_is_not_lost(turns: int):
    event, waits = asyncio.Event(), 0

    async def loop() -> None:
        nonlocal waits
        while True:
            waits += 1
            await happens(event, HANGING_SECONDS)
            event.clear()

    task = asyncio.create_task(loop())
    await until(lambda: waits == 1)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=HANGING_SECONDS)
    assert task.cancelled()


async def test_waiting_returns_whether_the_event_came_in_time():
    event = asyncio.Event()
    assert not await happens(event, 0.01)
    event.set()
    assert await happens(event, 0.01)
