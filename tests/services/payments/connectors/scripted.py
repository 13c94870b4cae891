"""A test double of Stripe with scripted answers, which records the requests."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web

from tests.services.payments.connectors.official import decoded


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    parameters: dict[str, Any]
    headers: dict[str, str]


Answer: TypeAlias = Callable[[Request], "web.Response | str"]


@dataclass
class Scripted:
    """`answers` by (method, path); a string instead of a response is a fault: drop or hang."""

    url: str = ""
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def responds(self, method: str, path: str, body: Any, *, status: int = 200) -> None:
        self.answers[method, path] = lambda _: web.json_response(body, status=status)

    def fails(self, method: str, path: str, fault: str) -> None:
        self.answers[method, path] = lambda _: fault

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.text() if request.method == "POST" else request.query_string
        asked = Request(request.method, request.path, decoded(body), dict(request.headers))
        self.requests.append(asked)
        response = self.answers[request.method, request.path](asked)
        if isinstance(response, web.StreamResponse):
            return response
        if response == "hang":
            await asyncio.sleep(5)
        if response == "half":
            cut = web.StreamResponse(headers={"Content-Length": "1000"})
            await cut.prepare(request)
            await cut.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app
