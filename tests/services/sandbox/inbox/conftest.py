"""The gateway's side of the inbox: takes bounces and the provider's callbacks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tests.waiting import until


@dataclass
class Listener:
    """`statuses` are answered first, then 204."""

    url: str = ""
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204)

    async def wait_for(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        await until(lambda: len(self.received) >= count)
        return self.received


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    found = Listener()
    app = web.Application()
    app.router.add_post("/notices", found.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notices"
    yield found
    await runner.cleanup()


@pytest.fixture
def config(config, listener):
    return config.model_copy(update={"sandbox_bounce_url": listener.url})
