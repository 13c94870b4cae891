"""A sandbox on a port of its own, in process, and a receiver for its webhooks."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, Page

from services.sandbox.app import build_app
from services.sandbox.config import Config
from services.sandbox.deps import DEPS
from tests.browser import browser, opened_page
from tests.waiting import HANGING_SECONDS

__all__ = ["browser"]  # the fixture, for every test in this folder

KEYS = itertools.count(1)
SID = "AC00000000000000000000000000000000"
CHARGE = {"amount_minor": 5990, "currency": "EUR", "token": "tok_visa", "capture": True}


@dataclass
class Answer:
    status: int
    headers: Any
    body: Any


class Client:
    """Talks to one sandbox the way a connector does."""

    def __init__(self, url: str, session: aiohttp.ClientSession, smtp_port: int) -> None:
        self.url = url
        self.session = session
        self.smtp_port = smtp_port

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        async with self.session.request(
            method, self.url + path, json=body, headers=headers, allow_redirects=False
        ) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return Answer(answer.status, answer.headers, json.loads(text) if is_json else text)

    async def write(
        self, path: str, body: Any, *, key: str | None = None, account: str = "sandbox-a"
    ) -> Answer:
        headers = {
            "Authorization": f"Bearer sandbox_sk_{account}",
            "Idempotency-Key": key or f"drawn_{next(KEYS)}",
        }
        return await self.call("POST", f"/psp/{account}{path}", body, headers=headers)

    async def charge(
        self, *, key: str | None = None, account: str = "sandbox-a", **fields: Any
    ) -> Answer:
        return await self.write("/charges", CHARGE | fields, key=key, account=account)

    async def read(self, path: str, *, account: str = "sandbox-a") -> Answer:
        headers = {"Authorization": f"Bearer sandbox_sk_{account}"}
        return await self.call("GET", f"/psp/{account}{path}", headers=headers)

    async def console(self, path: str, **body: Any) -> Answer:
        return await self.call("POST", f"/control/{path}", body)

    async def press(self, charge_id: str, **form: str) -> Answer:
        """Presses a button on a charge's page; the page that follows."""
        async with self.session.post(f"{self.url}/charges/{charge_id}", data=form) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def faults(self, *rules: dict[str, Any]) -> None:
        assert (await self.call("PUT", "/control/faults", {"rules": rules})).status == 200

    async def struck(self) -> bool:
        """Whether every fault rule has affected a call."""
        rules = (await self.call("GET", "/control/faults")).body["rules"]
        return all(rule["taken"] for rule in rules)

    async def register(self, webhook_url: str) -> None:
        body = {"webhook_url": webhook_url, "webhook_secret": "shh"}
        assert (await self.call("PUT", "/control/accounts/sandbox-a", body)).status == 200

    async def books(self, **filters: str) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        return list((await self.call("GET", f"/books/charges?{query}")).body["data"])

    async def inbox(self, **filters: str) -> list[dict[str, Any]]:
        return list((await self.call("GET", f"/inbox/messages?{urlencode(filters)}")).body["data"])

    async def send_sms(self, *, token: str = "sandbox_twilio", **form: str) -> Answer:
        async with self.session.post(
            f"{self.url}/twilio/2010-04-01/Accounts/{SID}/Messages.json",
            data={"To": "+393331234567", "From": "+15005550006", "Body": "Ciao"} | form,
            headers={"Authorization": aiohttp.encode_basic_auth(SID, token)},
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.json())


@dataclass
class Receiver:
    """A merchant-side webhook endpoint; `statuses` are answered first, then 200."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.requests.append((dict(request.headers), raw))
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.events.append(json.loads(raw))
            self.arrived.set()
        return web.Response(status=status)

    async def wait_for(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(HANGING_SECONDS):
            while len(self.events) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.events

    async def wait_until(self, event_type: str) -> None:
        async with asyncio.timeout(HANGING_SECONDS):
            while event_type not in self.types:
                self.arrived.clear()
                await self.arrived.wait()

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


async def started(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        sandbox_data=tmp_path,
        sandbox_slow_seconds=1.5,  # long enough for a test to look meanwhile, even on a busy machine
        sandbox_pending_seconds=0.3,
        sandbox_webhook_delay_seconds=0.01,
        sandbox_webhook_retry_seconds=0.02,
        sandbox_public_url=None,
        sandbox_smtp_port=0,
        sandbox_notice_delay_seconds=0.05,
    )


@asynccontextmanager
async def running_sandbox(config: Config) -> AsyncIterator[Client]:
    app = build_app(config)
    runner, url = await started(app)
    smtp_port = app[DEPS].smtp_port
    assert smtp_port is not None
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Client(url, session, smtp_port)
    await runner.cleanup()


@pytest.fixture
def launch(config: Config) -> Callable[[], AbstractAsyncContextManager[Client]]:
    """For tests that start a sandbox more than once on the same folder."""
    return lambda: running_sandbox(config)


@pytest.fixture
async def sandbox(config: Config) -> AsyncIterator[Client]:
    async with running_sandbox(config) as client:
        yield client


@pytest.fixture
async def unregistered_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner, url = await started(app)
    receiver.url = f"{url}/hook"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def receiver(sandbox: Client, unregistered_receiver: Receiver) -> Receiver:
    """Registered for account sandbox-a with the secret "shh"."""
    await sandbox.register(unregistered_receiver.url)
    return unregistered_receiver


@pytest.fixture
async def new_page(browser: Browser) -> AsyncIterator[Callable[..., Awaitable[Page]]]:
    """A factory of isolated pages that live as long as the test."""
    async with AsyncExitStack() as pages:

        async def opened(**more: Any) -> Page:
            return await pages.enter_async_context(opened_page(browser, **more))

        yield opened
