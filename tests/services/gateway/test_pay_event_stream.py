"""Server-sent events of the pay page."""

import asyncio
import json

import aiohttp
import pytest

from incasso.paylink.v1 import pages_pb2, paylink_pb2
from libs import deadlines
from libs.errors import OutcomeUnknown
from services.gateway.pay import event_stream
from tests.services.gateway.pay_samples import PATH, TOKEN, UNKNOWN, USE
from tests.waiting import HANGING_SECONDS

EVENTS = f"{PATH}/events?version=7&use={USE}"


def answer(version, state=paylink_pb2.PaymentLink.STATE_SENT):
    return pages_pb2.WaitForPayPageResponse(version=version, state=state)


@pytest.fixture
async def gateway(new_gateway):
    """One per test, since streams continue for a while after their reader has left."""
    async with new_gateway() as found:
        yield found


@pytest.fixture
def changing(gateway):
    """A queue of answers that are sent at once; without any, the call times out unchanged."""
    changes = asyncio.Queue()

    async def wait(request):
        try:
            async with asyncio.timeout(request.timeout_ms / 1000 or 0.001):
                return await changes.get()
        except TimeoutError:
            return answer(request.version)

    gateway.services.answers["WaitForPayPage"] = wait
    return changes


async def lines_until(response, beginning):
    found = []
    async with asyncio.timeout(HANGING_SECONDS):
        async for line in response.content:
            found.append(line.decode().strip())
            if found[-1].startswith(beginning):
                return found
    return found


async def test_a_change_is_sent_as_an_event(gateway, changing):
    async with gateway.request("GET", EVENTS, key=None) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        await lines_until(response, ": still here")
        changing.put_nowait(answer(8, paylink_pb2.PaymentLink.STATE_PAID))
        found = await lines_until(response, "data:")
        assert "event: changed" in found
        assert json.loads(found[-1][5:]) == {"version": 8, "state": "paid"}
    seen = gateway.services.last("WaitForPayPage").request
    assert (seen.token, seen.use, seen.timeout_ms) == (TOKEN, USE, event_stream.POLL_MS)


async def test_a_change_before_the_stream_opened_is_sent(gateway, changing):
    changing.put_nowait(answer(9))
    async with gateway.request("GET", EVENTS, key=None) as response:
        assert "event: changed" in await lines_until(response, "data:")


async def test_unknown_and_unavailable_links_have_no_stream(gateway):
    gateway.services.answers["WaitForPayPage"] = UNKNOWN
    async with gateway.request("GET", EVENTS, key=None) as response:
        assert response.status == 404
        assert "We do not know this address" in await response.text()
    gateway.services.answers["WaitForPayPage"] = OutcomeUnknown()
    async with gateway.request("GET", EVENTS, key=None) as response:
        assert response.status == 503


async def test_a_stream_survives_an_unavailable_backend(gateway, changing, monkeypatch):
    monkeypatch.setattr(event_stream, "PAUSE_SECONDS", 0.05)
    calls = gateway.services.answers["WaitForPayPage"]
    async with gateway.request("GET", EVENTS, key=None) as response:
        await lines_until(response, ": still here")
        gateway.services.answers["WaitForPayPage"] = OutcomeUnknown()
        changing.put_nowait(answer(7))
        await lines_until(response, ": still here")
        gateway.services.answers["WaitForPayPage"] = calls
        changing.put_nowait(answer(8))
        assert "event: changed" in await lines_until(response, "data:")


async def test_streams_of_one_link_are_limited_and_freed_when_readers_leave(gateway, changing):
    opened = []
    for _ in range(event_stream.PER_TOKEN):
        response = await gateway.request("GET", EVENTS, key=None)
        assert response.status == 200
        opened.append(response)
    async with gateway.request("GET", EVENTS, key=None) as response:
        assert response.status == 429
    for response in opened:
        response.close()
    for _ in range(2 * event_stream.PER_TOKEN):
        changing.put_nowait(answer(8))  # writing reveals that the reader has left
    async with asyncio.timeout(HANGING_SECONDS):
        while True:
            async with gateway.request("GET", EVENTS, key=None) as response:
                if response.status == 200:
                    return
            changing.put_nowait(answer(9))
            await asyncio.sleep(0.05)


async def test_streams_of_one_address_are_limited_across_links(gateway, monkeypatch):
    monkeypatch.setattr(event_stream, "PER_ADDRESS", 2)
    async with (
        gateway.request("GET", "/p/one/events?version=0", key=None) as first,
        gateway.request("GET", "/p/two/events?version=0", key=None) as second,
        gateway.request("GET", "/p/three/events?version=0", key=None) as third,
    ):
        assert [first.status, second.status, third.status] == [200, 200, 429]


async def test_streams_end_when_the_process_shuts_down(new_gateway, monkeypatch):
    """Neither paylink nor the grace period ends them within HANGING_SECONDS."""
    monkeypatch.setattr(deadlines, "PAGE", 2 * HANGING_SECONDS)
    never = asyncio.Event()

    async def wait(request):
        if request.timeout_ms:
            await never.wait()
        return answer(7)

    async with (
        aiohttp.ClientSession() as reader,  # keeps reading while the gateway stops
        asyncio.timeout(HANGING_SECONDS),
        new_gateway(grace_seconds=2 * HANGING_SECONDS) as gateway,
    ):
        gateway.services.answers["WaitForPayPage"] = wait
        response = await reader.get(gateway.url + EVENTS)
        await lines_until(response, ": still here")
