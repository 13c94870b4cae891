"""A console in this process with fake services behind it: real gRPC servers and field rules, no business logic."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.fernet import Fernet

from libs.roles import SCOPES, Role
from libs.tasks import Tasks
from libs.upstreams import Upstreams
from libs.web.client_addresses import Addresses
from services.console import app
from services.console.config import Config
from tests.browser import browser
from tests.services.console.answers import answers
from tests.services.gateway.doubles import Services, start_servers

__all__ = ["browser"]  # the fixture, for every test of this folder

TOKEN = "a-session"
PROOF = re.compile(r'name="proof" value="([^"]+)"')
KEY = re.compile(r'name="key" value="([^"]+)"')


@dataclass
class Console:
    url: str
    services: Services
    tasks: Tasks
    http: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, *, signed_in: bool = True, **more: Any) -> Any:
        cookies = {**({"incasso-session": TOKEN} if signed_in else {}), **self.cookies}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        headers |= {"Accept-Language": "en"} | more.pop("headers", {})
        return self.http.request(
            method, self.url + path, headers=headers, allow_redirects=False, **more
        )

    async def page(self, path: str, **more: Any) -> str:
        async with self.request("GET", path, **more) as response:
            text = await response.text()
            assert response.status == 200, (path, response.status, text)
            return text

    async def proof(self, path: str = "/sessions") -> str:
        """The proof that a form comes from a page of this session."""
        found = PROOF.search(await self.page(path))
        assert found is not None
        return found[1]

    async def post(self, path: str, fields: dict[str, str], **more: Any) -> tuple[int, str, str]:
        """Status, redirect location, and the page."""
        sent = {"proof": await self.proof(), "key": "", "here": "/", **fields}
        async with self.request("POST", path, data=sent, **more) as response:
            return response.status, response.headers.get("Location", ""), await response.text()

    def act_as(self, role: Role) -> None:
        self.services.answers |= answers(SCOPES[role])


@asynccontextmanager
async def running_console(**config: Any) -> AsyncIterator[Console]:
    services = Services(answers(SCOPES[Role.OWNER]))
    servers, targets = await start_servers(services)
    upstreams, tasks = Upstreams(targets), Tasks()
    values = {
        "http_port": 0,
        "INCASSO_CONSOLE_URL": "http://127.0.0.1",
        "seal_keys": Fernet.generate_key().decode(),
        "local_sign_in": True,
        "sign_ins_burst": 1000.0,
        **{f"{name}_target": target for name, target in targets.items()},
        **config,
    }
    settings = Config(**values)
    runner = app.runner(settings, upstreams, tasks, Addresses(settings.trusted_proxies))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Console(f"http://127.0.0.1:{port}", services, tasks, http)
    await runner.cleanup()
    await upstreams.close()
    for server in set(servers.values()):
        await server.stop(0)


@pytest.fixture(scope="session")
async def shared_console() -> AsyncIterator[Console]:
    async with running_console() as console:
        yield console


@pytest.fixture
def console(shared_console: Console) -> Console:
    """The shared console, with its answers and recorded calls reset."""
    shared_console.services.answers = answers(SCOPES[Role.OWNER])
    shared_console.services.seen.clear()
    shared_console.cookies.clear()
    return shared_console
