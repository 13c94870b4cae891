"""A blocked event loop shows in metrics and logs; heavy work in threads does not block it."""

import asyncio
import gc
import threading
import time

import pytest
from prometheus_client import REGISTRY

from libs import context, lag, threads
from libs.errors import ServiceUnavailable
from libs.tasks import cancel
from tests.waiting import HANGING_SECONDS, until


def compute(seconds):
    """Computes for `seconds` of CPU time, not wall-clock time, so a busy machine makes no difference."""
    ends = time.thread_time() + seconds
    while time.thread_time() < ends:
        pass


@pytest.fixture
async def meter():
    found = lag.Meter(window_seconds=1.0)
    task = asyncio.create_task(found.run())
    yield found
    await cancel([task])


async def test_computing_on_the_loop_is_measured_as_lag_and_cpu_time(meter):
    await asyncio.sleep(0)
    compute(0.3)
    await until(lambda: REGISTRY.get_sample_value("incasso_loop_held_seconds") >= 0.3)
    assert REGISTRY.get_sample_value("incasso_loop_lag_seconds") >= 0.2


async def test_a_late_loop_is_logged(meter, capsys):
    compute(0.3)
    output = ""

    def logged():
        nonlocal output
        output += capsys.readouterr().out
        return "the event loop was late" in output

    await until(logged)


def test_lag_is_attributed_to_computing_or_blocking():
    assert lag.Worst(late=0.3, held=0.3).cause == "it computed"
    assert lag.Worst(late=0.9, held=0.05).cause == "it blocked or had no processor"


async def test_computing_in_a_thread_does_not_block_the_loop(meter):
    with lag.unswept():
        await threads.run(compute, 0.3)
    assert meter.worst.held < 0.1
    assert REGISTRY.get_sample_value("incasso_loop_held_seconds") < 0.1


async def test_a_thread_keeps_the_context_of_its_call():
    context.set_current(context.Call(merchant_id="mer_a", actor="key_1"))
    assert await threads.run(lambda: context.current().merchant_id) == "mer_a"


async def test_excess_work_is_refused_until_there_is_room():
    few = threads.Threads(concurrency=1, waiting=1)
    go = threading.Event()
    running = [asyncio.create_task(few.run(go.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ServiceUnavailable):
        await few.run(int)
    go.set()
    assert await asyncio.gather(*running) == [True, True]
    assert await few.run(int) == 0


async def test_a_cancelled_call_keeps_its_place_until_its_work_ends():
    few = threads.Threads(concurrency=1, waiting=0)
    started, go = threading.Event(), threading.Event()

    def work():
        started.set()
        go.wait()

    call = asyncio.create_task(few.run(work))
    await until(started.is_set)
    call.cancel()
    await asyncio.wait([call])
    with pytest.raises(ServiceUnavailable):
        await few.run(int)
    go.set()

    async def answers():
        while True:
            try:
                return await few.run(lambda: "room")
            except ServiceUnavailable:
                await asyncio.sleep(0.01)

    assert await asyncio.wait_for(answers(), HANGING_SECONDS) == "room"


def test_settling_freezes_existing_objects_for_the_garbage_collector():
    kept = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    lag.settle()
    assert gc.get_freeze_count() >= before + len(kept)
