"""Slots for calls in progress: who shares them, who waits, who is refused."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from services.gateway import call_slots
from services.gateway.call_slots import CallSlots
from services.gateway.errors import TooManyAtOnce
from tests.waiting import HANGING_SECONDS

LOUD, QUIET = "mer_loud", "mer_quiet"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(call_slots, "WAIT_SECONDS", 0.05)


@pytest.fixture
def all_places():
    return CallSlots(reads=3, calls=4)


def reads(all_places, merchant_id=LOUD):
    return all_places.held(merchant_id, browser=False, reads=True)


async def found(held):
    async with held:
        pass


async def test_a_merchant_alone_gets_all_read_slots(all_places):
    async with reads(all_places), reads(all_places), reads(all_places):
        with pytest.raises(TooManyAtOnce):
            await found(reads(all_places))


@pytest.mark.parametrize("browser", [True, False])
async def test_reads_get_one_slot_while_another_merchant_has_a_call(all_places, browser):
    async with all_places.held(QUIET, browser=browser, reads=False), reads(all_places):
        with pytest.raises(TooManyAtOnce):
            await found(reads(all_places))
    async with reads(all_places), reads(all_places):
        """Alone again."""


async def test_browser_calls_and_writes_keep_their_slots_beside_other_merchants(all_places):
    async with AsyncExitStack() as held:
        await held.enter_async_context(reads(all_places, QUIET))
        for kind in ({"browser": True, "reads": True}, {"browser": False, "reads": False}):
            for _ in range(4):
                await held.enter_async_context(all_places.held(LOUD, **kind))


async def test_a_waiting_read_continues_when_the_other_merchant_is_done(all_places, monkeypatch):
    monkeypatch.setattr(call_slots, "WAIT_SECONDS", HANGING_SECONDS)
    async with reads(all_places):
        async with reads(all_places, QUIET):
            second = asyncio.create_task(found(reads(all_places)))
            await asyncio.sleep(0)
        await second


async def test_a_freed_slot_pauses_before_reuse_beside_another_merchant(all_places, monkeypatch):
    monkeypatch.setattr(call_slots, "WAIT_SECONDS", HANGING_SECONDS)
    monkeypatch.setattr(call_slots, "MAX_REST_SECONDS", HANGING_SECONDS)
    monkeypatch.setattr(call_slots, "REST", 10**9)
    async with reads(all_places, QUIET):
        first = reads(all_places)
        await first.__aenter__()
        second = asyncio.create_task(found(reads(all_places)))
        await asyncio.sleep(0)
        await first.__aexit__(None, None, None)
        done, _ = await asyncio.wait([second], timeout=0.05)
        assert not done
    await second  # the other merchant is done, so the pause ends


async def test_a_cancelled_waiter_may_find_its_queue_already_removed(all_places, monkeypatch):
    """The slots are released before the cancelled call has left the queue."""
    monkeypatch.setattr(call_slots, "WAIT_SECONDS", HANGING_SECONDS)
    held = [reads(all_places) for _ in range(3)]
    for one in held:
        await one.__aenter__()
    leaving = asyncio.create_task(found(reads(all_places)))
    await asyncio.sleep(0)
    leaving.cancel()
    for one in held:
        await one.__aexit__(None, None, None)
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert not all_places._lines


async def test_a_slot_granted_to_a_cancelled_waiter_passes_to_the_next(all_places, monkeypatch):
    monkeypatch.setattr(call_slots, "WAIT_SECONDS", HANGING_SECONDS)
    held = [reads(all_places) for _ in range(3)]
    for one in held:
        await one.__aenter__()
    leaving, next_in_line = (asyncio.create_task(found(reads(all_places))) for _ in range(2))
    await asyncio.sleep(0)
    await held[0].__aexit__(None, None, None)
    leaving.cancel()
    await next_in_line
    with pytest.raises(asyncio.CancelledError):
        await leaving
    for one in held[1:]:
        await one.__aexit__(None, None, None)
    assert not all_places._lines
    assert not all_places._under_way
