"""The real counterparts of the connectors, on ports of their own."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from services.payments.connectors import transport
from services.payments.connectors.base import Credentials
from services.payments.connectors.stripe.connector import API_VERSION, StripeConnector
from services.sandbox.app import build_app
from services.sandbox.config import Config
from stack.process import accepts_connections, free_ports
from stack.supervisor import Supervisor
from stack.topology import Process, python
from tests.services.payments.connectors.official import complaints
from tests.services.payments.connectors.scripted import Scripted
from tests.waiting import HANGING_SECONDS

ROOT = Path(__file__).resolve().parents[4]


@dataclass
class Hook:
    """A webhook address that keeps what it receives."""

    url: str = ""
    received: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append((await request.read(), headers))
        self.arrived.set()
        return web.Response()

    async def wait_for(self, count: int) -> list[tuple[bytes, dict[str, str]]]:
        async with asyncio.timeout(HANGING_SECONDS):
            while len(self.received) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.received


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.handle)
    runner, url = await serve(app)
    hook.url = f"{url}/hook"
    yield hook
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with transport.new_session() as session:
        yield session


@pytest.fixture
async def sandbox_url(tmp_path: Path) -> AsyncIterator[str]:
    config = Config(
        sandbox_data=tmp_path / "sandbox",
        sandbox_slow_seconds=3.0,
        sandbox_pending_seconds=60,
        sandbox_webhook_delay_seconds=0.01,
        sandbox_public_url=None,
    )
    config.sandbox_data.mkdir()
    runner, url = await serve(build_app(config))
    yield url
    await runner.cleanup()


@pytest.fixture
def sandbox_credentials(sandbox_url: str) -> Credentials:
    return Credentials({
        "psp": "sandbox",
        "base_url": sandbox_url,
        "account": "sandbox-a",
        "secret_key": "sandbox_sk_sandbox-a",
        "webhook_secret": "whsec_sandbox",
    })  # fmt: skip


@pytest.fixture(scope="module")
async def localstripe_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """localstripe as the stack runs it."""
    folder, port = tmp_path_factory.mktemp("localstripe"), free_ports(1)[0]
    command = python("stack.localstripe", f"--port={port}", f"--data={folder / 'data'}")
    process = Process("localstripe", command, {}, lambda: accepts_connections(port))
    supervisor = Supervisor([process], cwd=ROOT, run=folder, log=folder, report=lambda what: None)
    await supervisor.start()
    yield f"http://127.0.0.1:{port}"
    await supervisor.stop()


def stripe_credentials(api_base: str) -> Credentials:
    return Credentials({
        "psp": "stripe",
        "secret_key": "sk_test_12345",
        "publishable_key": "pk_test_12345",
        "webhook_secret": "whsec_stripe",
        "api_base": api_base,
        "field_url": f"{api_base}/js.stripe.com/v3/",
    })  # fmt: skip


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    """Checks that each request of the test would be valid at Stripe."""
    scripted = Scripted()
    runner, scripted.url = await serve(scripted.app())
    yield scripted
    await runner.cleanup()
    for request in scripted.requests:
        assert complaints(request.method, request.path, request.parameters) == []
        assert request.headers["Stripe-Version"] == API_VERSION
        assert request.headers["Authorization"] == "Bearer sk_test_12345"


@pytest.fixture
def stripe_connector(scripted: Scripted, session: aiohttp.ClientSession) -> StripeConnector:
    return StripeConnector(stripe_credentials(scripted.url), session)


@pytest.fixture
def stripe_later(scripted: Scripted, session: aiohttp.ClientSession) -> StripeConnector:
    credentials = stripe_credentials(scripted.url)
    return StripeConnector(credentials, session, lambda: time.time() + 120)
