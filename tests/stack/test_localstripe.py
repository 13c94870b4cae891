"""localstripe as the stack starts it: on loopback, with data and webhooks that survive a restart."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import aiohttp.web
import psutil
import pytest

from stack.process import accepts_connections, free_ports
from stack.supervisor import Supervisor
from stack.topology import Process, python
from tests.waiting import HANGING_SECONDS, until

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = {"Authorization": "Bearer sk_test_12345"}


@pytest.fixture
async def localstripe(tmp_path: Path):
    port = free_ports(1)[0]
    command = python("stack.localstripe", f"--port={port}", f"--data={tmp_path / 'data'}")
    process = Process("localstripe", command, {}, lambda: accepts_connections(port))
    supervisor = Supervisor(
        [process], cwd=ROOT, run=tmp_path, log=tmp_path, report=lambda what: None
    )
    await supervisor.start()
    yield supervisor["localstripe"], f"http://127.0.0.1:{port}"
    await supervisor.stop()


async def create_customer(session: aiohttp.ClientSession, url: str) -> str:
    async with session.post(f"{url}/v1/customers", data={"email": "giulia@example.com"}) as answer:
        assert answer.status == 200
        return (await answer.json())["id"]


async def test_stored_customers_survive_a_crash(localstripe, tmp_path):
    child, url = localstripe
    stored = tmp_path / "data" / "state.pickle"
    async with aiohttp.ClientSession(headers=KEY) as session:
        customer = await create_customer(session, url)
        await until(lambda: stored.exists() and customer.encode() in stored.read_bytes())
        await child.restart(signal.SIGKILL, None)
        async with session.get(f"{url}/v1/customers/{customer}") as answer:
            assert (await answer.json())["email"] == "giulia@example.com"


async def test_webhooks_are_still_sent_after_a_restart(localstripe):
    child, url = localstripe
    received: asyncio.Queue[dict] = asyncio.Queue()

    async def receive(request: aiohttp.web.Request) -> aiohttp.web.Response:
        await received.put(await request.json())
        return aiohttp.web.Response()

    app = aiohttp.web.Application()
    app.router.add_post("/hook", receive)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    port = free_ports(1)[0]
    await aiohttp.web.TCPSite(runner, "127.0.0.1", port).start()
    hook = {"url": f"http://127.0.0.1:{port}/hook", "secret": "whsec_test"}
    async with aiohttp.ClientSession(headers=KEY) as session:
        config = f"{url}/_config/webhooks/incasso"
        async with session.post(config, data=json.dumps(hook)) as answer:
            assert answer.status == 200
        await child.restart(signal.SIGTERM, None)
        await create_customer(session, url)
        async with asyncio.timeout(HANGING_SECONDS):
            assert (await received.get())["type"] == "customer.created"
    await runner.cleanup()


async def test_it_listens_on_loopback_only(localstripe):
    child, _ = localstripe
    listening = [c for c in psutil.Process(child.pid).net_connections() if c.status == "LISTEN"]
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}
