"""A merchant's webhook receiver for the demo and the tests: verifies, records, answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from stack.process import free_ports

Event = dict[str, Any]


@dataclass
class Receiver:
    """`secrets` are tried in turn; an event signed by none of them is answered 401.

    `plan` has answers for the first events: an event answered that way is recorded as `refused`, not
    accepted.
    """

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    plan: list[web.Response] = field(default_factory=list)
    refused: list[Event] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.text()
        event = next(
            (e for s in self.secrets if (e := verified(s, body, request)) is not None), None
        )
        if event is None:
            return web.Response(status=401)
        if self.plan:
            self.refused.append(event)
            return self.plan.pop(0)
        async with self.arrived:
            self.events.append(event)
            self.arrived.notify_all()
        return web.Response(status=204)

    async def wait_for(
        self, wanted: Callable[[Event], bool], *, within_seconds: float = 60.0
    ) -> Event:
        """The first matching event, past or future. Raises TimeoutError if there is none."""
        async with asyncio.timeout(within_seconds), self.arrived:
            await self.arrived.wait_for(lambda: any(wanted(event) for event in self.events))
            return next(event for event in self.events if wanted(event))


def verified(secret: str, body: str, request: web.Request) -> Event | None:
    """The event if this secret signed it, verified with the library that merchants use."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        event: Event = Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return None
    return event


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Listens on a free port of this machine."""
    found = Receiver()
    app = web.Application()
    app.router.add_post("/webhooks", found.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    found.url = f"http://127.0.0.1:{port}/webhooks"
    try:
        yield found
    finally:
        await runner.cleanup()
