"""A gateway in this process before fake services: real gRPC servers, doors and rules, no business."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from axe_playwright_python.base import AXE_SCRIPT
from google.protobuf.message import Message
from multidict import CIMultiDict
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from playwright.async_api import Browser, Page

from incasso.merchants.v1 import merchants_pb2
from incasso.paylink.v1 import pages_pb2
from libs import context, descriptors
from libs.errors import Kind, RemoteRefusal
from libs.server import Server
from libs.services import SERVICES
from libs.tasks import Tasks
from libs.uploads import Upload
from services.gateway import app as gateway_app
from services.gateway import connections
from services.gateway.client_addresses import Addresses
from services.gateway.config import Config
from services.gateway.upstreams import Upstreams, message_class
from services.sandbox.app import build_app as build_sandbox
from services.sandbox.config import Config as SandboxConfig
from tests.browser import SCREENSHOTS, browser
from tests.contracts import adder
from tests.services.gateway import shop_samples
from tests.services.sandbox.conftest import started

LOGO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
__all__ = ["browser"]  # the fixture, for every test of this folder

SECRET = "sk_all00000000000000000000000000000"
PUBLISHABLE = "pk_browser0000000000000000000000000"
NARROW = "sk_narrow00000000000000000000000000"
# Keys of one merchant whose plan allows a request a second.
SMALL_PLAN = {
    "sk_small00000000000000000000000000a": merchants_pb2.ApiKey.KIND_SECRET,
    "sk_small00000000000000000000000000b": merchants_pb2.ApiKey.KIND_SECRET,
    "pk_small000000000000000000000000000": merchants_pb2.ApiKey.KIND_PUBLISHABLE,
}
REVOKED = "sk_revoked0000000000000000000000000"
UNKNOWN = "sk_unknown0000000000000000000000000"


@dataclass
class Seen:
    name: str
    request: Any
    call: context.Call


@dataclass
class Services:
    """Answers by RPC name: a message, a refusal to raise, or a function of the request."""

    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # by RPC, those of uploads

    def last(self, name: str) -> Seen:
        return next(seen for seen in reversed(self.seen) if seen.name == name)

    def calls(self, name: str) -> int:
        return sum(seen.name == name for seen in self.seen)

    async def answer(self, name: str, request: Message, default: type[Message]) -> Message:
        self.seen.append(Seen(name, request, context.current()))
        found = self.answers.get(name)
        if callable(found):
            found = found(request)
        if asyncio.iscoroutine(found):
            found = await found
        if isinstance(found, Exception):
            raise found
        return found if found is not None else default()


def authenticate(request: merchants_pb2.AuthenticateKeyRequest) -> Any:
    if request.secret == REVOKED:
        return RemoteRefusal(Kind.UNAUTHENTICATED, "api_key_revoked", "This key was revoked.")
    kind, scopes = merchants_pb2.ApiKey.KIND_SECRET, ["*"]
    rate = 0
    if request.secret == PUBLISHABLE:
        kind, scopes = merchants_pb2.ApiKey.KIND_PUBLISHABLE, []
    elif request.secret == NARROW:
        scopes = ["nothing:read"]
    elif request.secret in SMALL_PLAN:
        rate = 1
        kind = SMALL_PLAN[request.secret]
    elif request.secret != SECRET:
        return RemoteRefusal(Kind.UNAUTHENTICATED, "api_key_unknown", "No such key.")
    return merchants_pb2.AuthenticateKeyResponse(
        api_key_id=f"key_{request.secret[3:9]}",
        merchant_id="mer_1",
        kind=kind,
        scopes=scopes,
        clock_offset_seconds=7,
        plan="tiny" if rate else "pro",
        requests_per_second=rate,
    )


class Servicer:
    def __init__(self, services: Services, service: str) -> None:
        for rpc in descriptors.service(service).methods:
            setattr(self, rpc.name, self._method(services, rpc))

    def _method(self, services: Services, rpc: Any) -> Any:
        default = message_class(rpc.output_type)

        async def method(request: Any, _: Any) -> Message:
            if isinstance(request, Upload):
                services.files[rpc.name] = b"".join([piece async for piece in request.pieces])
                request = request.request
            return await services.answer(rpc.name, request, default)

        return method


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


async def start_servers(services: Services, alone: str = "") -> tuple[Any, dict[str, str]]:
    """One server for all upstreams but the one that is `alone`, since each takes 4 ms; their targets."""
    servers, targets = {}, dict[str, str]()
    for group in ({one.name for one in SERVICES} - {alone}, {alone} - {""}):
        full_names = [name for one in SERVICES if one.name in group for name in one.full_names]
        doors = [
            (adder(descriptors.service(name)), Servicer(services, name)) for name in full_names
        ]
        if doors:
            server = Server(doors, full_names, Tasks())
            port = await server.start("127.0.0.1:0")
            servers |= dict.fromkeys(group, server)
            targets |= dict.fromkeys(group, f"ipv4:127.0.0.1:{port}")
    return servers, targets


@asynccontextmanager
async def running_gateway(*, alone: str = "", **config: Any) -> AsyncIterator[Gateway]:
    """`alone`: the upstream that a test stops, `gateway.servers[alone]`."""
    services = Services({"AuthenticateKey": authenticate})
    servers, targets = await start_servers(services, alone)
    upstreams, tasks = Upstreams(targets), Tasks()
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
    known = Config(**values)
    addresses = Addresses(known.trusted_proxies)
    runner = gateway_app.runner(known, upstreams, tasks, addresses)
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


@pytest.fixture(scope="session", autouse=True)
def _traces() -> None:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())


@pytest.fixture(scope="session")
async def shared_gateway() -> AsyncIterator[Gateway]:
    async with running_gateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    """The shared one with its answers and memory of calls as new."""
    shared_gateway.services.answers = {"AuthenticateKey": authenticate}
    shared_gateway.services.seen.clear()
    shared_gateway.services.files.clear()
    return shared_gateway


@pytest.fixture
def new_gateway() -> Callable[..., Any]:
    """One of the test's own: `async with new_gateway(cors_origins="…") as gateway`."""
    return running_gateway


@asynccontextmanager
async def open_page(browser: Browser, scheme: str = "light") -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 390, "height": 640}, color_scheme=scheme)
    page = await context.new_page()
    page.complaints = []
    page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.scheme = scheme
    yield page
    await context.close()


@pytest.fixture(params=["light", "dark"] if SCREENSHOTS else ["light"])
async def page(browser: Browser, request) -> AsyncIterator[Page]:
    async with open_page(browser, request.param) as opened:
        yield opened


@pytest.fixture(scope="session")
async def shared_tab(browser: Browser) -> AsyncIterator[Page]:
    async with open_page(browser) as opened:
        await opened.add_init_script(AXE_SCRIPT)
        yield opened


@pytest.fixture
async def tab(shared_tab: Page) -> AsyncIterator[Page]:
    """As a page of one's own, but for what its browser has compiled already: axe most of all.

    Whoever has a gateway of their own asks for it first, so that the tab leaves it before it ends.
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
            "GetShopPage": shop_samples.shop(),
        }
        yield gateway


@pytest.fixture
async def scriptless(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(
        viewport={"width": 390, "height": 640}, java_script_enabled=False, locale="en-GB"
    )
    yield await context.new_page()
    await context.close()
