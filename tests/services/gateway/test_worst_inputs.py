"""The worst inputs for every parser at the edge: refused or accepted, they do not block the event loop."""

import asyncio

import pytest

from bench.worst_inputs import INPUTS
from libs import lag
from libs.tasks import cancel
from tests.kit import garbage
from tests.services.gateway.conftest import running_gateway
from tests.services.gateway.doubles import SECRET
from tests.services.gateway.pay_samples import page, shown
from tests.waiting import until

HELD_SECONDS = 0.1


@pytest.fixture(scope="module")
async def gateway():
    async with running_gateway() as gateway:
        gateway.services.answers["GetPayPage"] = shown(page())
        page_of_a_link = INPUTS["Accept-Language"]().path
        await status(gateway, "GET", page_of_a_link)  # the first one compiles its template
        yield gateway


class Turns(lag.Worst):
    """Also counts the turns: a turn's computing time is known only when it is over."""

    count = 0

    def add(self, late, held):
        super().add(late, held)
        self.count += 1


async def most_held(work) -> float:
    """CPU seconds of the loop's longest turn, up to the one in which the work ended."""
    meter = lag.Meter(window_seconds=3600)
    meter.worst = turns = Turns()
    task = asyncio.create_task(meter.run())
    await work()
    over = turns.count + 1
    await until(lambda: turns.count >= over)
    await cancel([task])
    return turns.held


async def status(gateway, method, path, **arguments):
    async with gateway.http.request(
        method, gateway.url + path, allow_redirects=False, **arguments
    ) as response:
        return response.status


@pytest.mark.parametrize("name", INPUTS)
async def test_the_worst_input_does_not_block_the_event_loop(gateway, name):
    worst = INPUTS[name]()
    headers = {"Authorization": f"Bearer {SECRET}", **worst.headers}

    async def send():
        found = await status(gateway, worst.method, worst.path, headers=headers, data=worst.body)
        assert found < 500

    for _ in range(3):  # other processes can only make it longer
        if (held := await most_held(send)) < HELD_SECONDS:
            break
    assert held < HELD_SECONDS


@pytest.mark.parametrize("name", INPUTS)
async def test_the_worst_input_leaves_nothing_for_the_garbage_collector(gateway, name):
    """Errors that referenced their own frames kept the whole input alive: a million objects from a
    hundred requests were freed in one go, which blocked the loop."""
    worst = INPUTS[name]()
    headers = {"Authorization": f"Bearer {SECRET}", **worst.headers}
    await status(gateway, worst.method, worst.path, headers=headers, data=worst.body)
    with garbage.uncollected() as left:
        await status(gateway, worst.method, worst.path, headers=headers, data=worst.body)
        await until(lambda: left() == [])
