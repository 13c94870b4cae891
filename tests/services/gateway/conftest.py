"""A gateway in this process with fake services behind it: real gRPC servers and field rules, no business logic."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from playwright.async_api import Browser, Page

from incasso.merchants.v1 import merchants_pb2
from incasso.paylink.v1 import pages_pb2, shop_pb2
from libs.server import Server
from libs.tasks import Tasks
from libs.upstreams import Upstreams
from libs.web import connections
from libs.web.client_addresses import Addresses
from services.gateway import app as gateway_app
from services.gateway.config import Config
from services.gateway.routes import Route, all_routes
from services.sandbox.app import build_app as build_sandbox
from services.sandbox.config import Config as SandboxConfig
from tests.browser import AXE, SCREENSHOTS, browser, opened_page
from tests.services.gateway import shop_samples
from tests.services.gateway.doubles import SECRET, Doors, Services, authenticate, start_servers
from tests.services.sandbox.conftest import started

LOGO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
__all__ = ["browser"]  # the fixture, for every test of this folder


@dataclass
class Gateway:
    url: str
    services: Services
    servers: dict[str, Server]
    http: aiohttp.ClientSession
    tasks: Tasks
    runner: connections.Runner

    def request(self, method: str, path: str, *, key: str | None = SECRET, **more: Any) -> Any:
        headers = CIMultiDict(more.pop("headers", {}))
        if key is not None:
            headers.setdefault("Authorization", f"Bearer {key}")
        return self.http.request(
            method, self.url + path, headers=headers, allow_redirects=False, **more
        )


@asynccontextmanager
async def running_gateway(
    *, alone: str = "", more: Doors = (), routes: tuple[Route, ...] = (), **config: Any
) -> AsyncIterator[Gateway]:
    """`alone`: the upstream that a test stops, `gateway.servers[alone]`. `more`: the test's own
    services, with their `routes`.
    """
    services = Services({"AuthenticateKey": authenticate})
    servers, targets = await start_servers(services, alone, more)
    upstreams, tasks = Upstreams(targets), Tasks()
    known = upstreams._channels[next(name for name in targets if name != alone)]
    upstreams._by_service |= dict.fromkeys((name for name, _ in more), known)
    values = {
        "http_port": 0,
        "public_url": "http://127.0.0.1",
        "failures_burst": 100_000.0,
        "merchant_requests_burst": 100_000.0,
        "slow_down_seconds": 0.0,
        "browser_requests_burst": 100_000.0,
        **{f"{name}_target": target for name, target in targets.items()},
        **config,
    }
    settings = Config(**values)
    addresses = Addresses(settings.trusted_proxies)
    runner = gateway_app.runner(settings, upstreams, tasks, addresses, (*all_routes(), *routes))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as http:
        yield Gateway(f"http://127.0.0.1:{port}", services, servers, http, tasks, runner)
    await runner.cleanup()
    await upstreams.close()
    for server in set(servers.values()):
        await server.stop(0)


@pytest.fixture(scope="session")
async def shared_gateway() -> AsyncIterator[Gateway]:
    async with running_gateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    """The shared gateway, with its answers and recorded calls reset."""
    shared_gateway.services.answers = {"AuthenticateKey": authenticate}
    shared_gateway.services.seen.clear()
    shared_gateway.services.files.clear()
    return shared_gateway


@pytest.fixture
def new_gateway() -> Callable[..., Any]:
    """A gateway for one test: `async with new_gateway(cors_origins="…") as gateway`."""
    return running_gateway


@asynccontextmanager
async def open_page(browser: Browser, scheme: str = "light") -> AsyncIterator[Page]:
    async with opened_page(
        browser, viewport={"width": 390, "height": 640}, color_scheme=scheme
    ) as page:
        page.complaints = []
        page.on("console", lambda line: line.type == "error" and page.complaints.append(line.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.scheme = scheme
        yield page


@pytest.fixture(params=["light", "dark"] if SCREENSHOTS else ["light"])
async def page(browser: Browser, request) -> AsyncIterator[Page]:
    async with open_page(browser, request.param) as opened:
        yield opened


@pytest.fixture(scope="session")
async def shared_tab(browser: Browser) -> AsyncIterator[Page]:
    async with open_page(browser) as opened:
        await opened.add_init_script(AXE)
        yield opened


@pytest.fixture
async def tab(shared_tab: Page) -> AsyncIterator[Page]:
    """Like a new page, except that its browser has already compiled the scripts, above all axe.

    A test with its own gateway requests that first, so that the tab leaves it before it ends.
    """
    await shared_tab.set_viewport_size({"width": 390, "height": 640})
    await shared_tab.emulate_media(color_scheme="light", reduced_motion="no-preference")
    shared_tab.complaints.clear()
    yield shared_tab
    await shared_tab.goto("about:blank")
    await shared_tab.context.clear_cookies()


async def picture(page, name):
    if SCREENSHOTS:
        await page.screenshot(path=f"{SCREENSHOTS}/{name}-{page.scheme}.png", full_page=True)


@pytest.fixture(scope="session")
async def psp(tmp_path_factory) -> AsyncIterator[str]:
    """The sandbox's address."""
    config = SandboxConfig(
        sandbox_data=tmp_path_factory.mktemp("sandbox"),
        sandbox_public_url=None,
        sandbox_smtp_port=0,
    )
    runner, url = await started(build_sandbox(config))
    yield url
    await runner.cleanup()


@pytest.fixture
async def pay_pages() -> AsyncIterator[Gateway]:
    """A gateway whose paylink shows what a test puts into GetPayPage."""
    async with running_gateway() as gateway:
        gateway.services.answers |= {
            "WaitForPayPage": pages_pb2.WaitForPayPageResponse(version=7),
            "GetLogo": merchants_pb2.GetLogoResponse(picture=LOGO, media_type="image/png"),
            "GetProductPicture": shop_pb2.GetProductPictureResponse(
                picture=LOGO, media_type="image/png"
            ),
            "GetShopPage": shop_samples.shop(),
        }
        yield gateway


@pytest.fixture
async def scriptless(browser: Browser) -> AsyncIterator[Page]:
    async with opened_page(
        browser,
        viewport={"width": 390, "height": 640},
        java_script_enabled=False,
        locale="en-GB",
    ) as page:
        yield page
