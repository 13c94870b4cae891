"""The worst inputs of every parser at the edge: refused or taken, and the event loop goes on."""

import asyncio

import pytest

from bench.worst_inputs import INPUTS
from libs import lag
from libs.tasks import cancel
from tests.services.gateway.conftest import SECRET, running_gateway
from tests.services.gateway.pay_samples import page, shown

HELD_SECONDS = 0.1


@pytest.fixture(scope="module")
async def measured():
    meter = lag.Meter(window_seconds=3600)
    task = asyncio.create_task(meter.run())
    async with running_gateway() as gateway:
        gateway.services.answers["GetPayPage"] = shown(page())
        yield gateway, meter
    await cancel([task])


@pytest.mark.parametrize("name", INPUTS)
async def test_the_worst_input_holds_up_nobody(measured, name):
    gateway, meter = measured
    worst = INPUTS[name]
    meter.worst = lag.Worst()
    for _ in range(3):
        headers = {"Authorization": f"Bearer {SECRET}", **worst.headers}
        async with gateway.http.request(
            worst.method,
            gateway.url + worst.path,
            headers=headers,
            data=worst.body,
            allow_redirects=False,
        ) as response:
            assert response.status < 500
        await asyncio.sleep(0)
    assert meter.worst.held < HELD_SECONDS
