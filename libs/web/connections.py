"""Connections: how many are allowed, how long each may take, and errors below the handlers.

aiohttp parses HTTP; here its protocol gets limits of time and number, and its own refusals (not
HTTP, lines too long) get the form of every other refusal. Nothing reveals which software we run.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import LineTooLong

from libs.errors import InternalError, Refusal
from libs.logs import log
from libs.web.client_addresses import network
from libs.web.errors import (
    HeadersSlow,
    HeadersTooLarge,
    HttpMalformed,
    TooManyConnections,
    refusal_of,
)
from libs.web.limits import InUse
from libs.web.settings import WebSettings

MAX_LINE_BYTES: Final = 8190
MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 64 * 1024  # for all headers together

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Answer = Callable[[Refusal], web.Response]


@dataclass(frozen=True, slots=True)
class Limits:
    """Per process. `per_address` 0: addresses are those of proxies, and not limited."""

    header_seconds: float
    body_seconds: float  # here only for bodies that are not wanted
    idle_seconds: float
    send_seconds: float
    connections: int
    per_address: int

    @classmethod
    def of(cls, config: WebSettings) -> "Limits":
        return cls(
            header_seconds=config.header_seconds,
            body_seconds=config.body_seconds,
            idle_seconds=config.idle_seconds,
            send_seconds=config.send_seconds,
            connections=config.max_connections,
            per_address=0 if config.trusted_proxies else config.max_connections_per_address,
        )


class Runner(web.AppRunner):
    """Serves an application; `answer` creates the response to errors below its handlers."""

    def __init__(
        self, app: web.Application, limits: Limits, answer: Answer, *, shutdown_timeout: float
    ) -> None:
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=shutdown_timeout,
            auto_decompress=False,
            keepalive_timeout=limits.idle_seconds,
            lingering_time=limits.body_seconds,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
        )
        self._limits = limits
        self._answer = answer
        self._leaving = False

    def leave(self) -> None:
        """From now on each answer closes its connection, so that the next request goes
        elsewhere.
        """
        self._leaving = True

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            try:
                answered = await made.request_handler(request)
            except web.HTTPException as error:  # before the application's middleware
                answered = self._answer(refusal_of(error))
            if self._leaving:
                answered.force_close()
            return answered

        return Listener(
            handle,
            self._limits,
            self._answer,
            request_factory=made.request_factory,
            **self._kwargs,
        )


class Listener(web.Server):
    """Counts the connections, and creates the protocol of each."""

    def __init__(self, handler: Handler, limits: Limits, answer: Answer, **kwargs: Any) -> None:
        super().__init__(handler, **kwargs)
        self.limits = limits
        self.answer = answer
        self._held = InUse()

    def __call__(self) -> web.RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)

    @property
    def open(self) -> int:
        """Number of open connections."""
        return self._held.total

    def enter(self, name: str) -> bool:
        """Whether another connection from this network is accepted."""
        most = self.limits.per_address or self.limits.connections
        if self.open >= self.limits.connections or self._held.by(name) >= most:
            return False
        self._held.take(name)
        return True

    def leave(self, name: str) -> None:
        self._held.give_back(name)


class Connection(web.RequestHandler):
    """One connection. A timer runs while headers are arriving, and while the other side reads."""

    def __init__(self, listener: Listener, **kwargs: Any) -> None:
        super().__init__(listener, **kwargs)
        self._listener = listener
        self._name: str | None = None  # of its slot in the listener's count
        self._header_bytes = 0
        self._headers_end: asyncio.TimerHandle | None = None
        self._sending_ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        name = network(str(peer[0])) if isinstance(peer, tuple) else "local"
        if not self._listener.enter(name):
            self._force_close = True
            self.transport = cast(asyncio.Transport, transport)
            self._refuse(TooManyConnections())
            return
        self._name = name
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._name is not None:
            self._listener.leave(self._name)
            self._name = None
        self._headers_came()
        super().connection_lost(exc)
        if self._sending_ends is not None:
            self._sending_ends.cancel()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages and not isinstance(self._messages[-1][0], RawRequestMessage):
            self._end_body()
        if self._messages or self._waiter is None or self._waiter.done():
            self._headers_came()
            return
        self._header_bytes += len(data)
        if self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(HeadersTooLarge())
        elif self._headers_end is None:
            self._expect_headers()

    def _end_body(self) -> None:
        """The bytes are not HTTP: fails the handler that waits for the rest of a body."""
        if self._current_request is not None and not self._current_request.content.at_eof():
            self._current_request.content.set_exception(web.RequestPayloadError())
            self.close()

    def _expect_headers(self) -> None:
        seconds = self._listener.limits.header_seconds
        self._headers_end = self._loop.call_later(seconds, self._headers_late)

    def _headers_came(self) -> None:
        self._header_bytes = 0
        if self._headers_end is not None:
            self._headers_end.cancel()
            self._headers_end = None

    def _headers_late(self) -> None:
        if self._header_bytes:
            self._refuse(HeadersSlow())
        else:
            self.force_close()  # a browser that opened a spare connection

    def _refuse(self, refusal: Refusal) -> None:
        """Answers without a request, and closes."""
        if self.transport is not None:
            self.transport.write(on_the_wire(self._listener.answer(refusal)))
        self.force_close()

    def force_close(self) -> None:
        if self.transport is not None:
            self._end_sending()
        super().force_close()

    async def start(self) -> None:
        try:
            await super().start()
        finally:
            if self.transport is not None:
                self._end_sending()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._end_sending()

    def resume_writing(self) -> None:
        super().resume_writing()
        goes_on = self.transport is not None and not self.transport.is_closing()
        if goes_on and self._sending_ends is not None:
            self._sending_ends.cancel()
            self._sending_ends = None

    def _end_sending(self) -> None:
        """Drops the connection, with its answer, if that is not read in time."""
        if self.transport is not None and self._sending_ends is None:
            seconds = self._listener.limits.send_seconds
            self._sending_ends = self._loop.call_later(seconds, self.transport.abort)

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """Replaces aiohttp's, which would log what was sent."""
        log.info("a connection failed", error=type(kwargs.get("exc_info")).__name__)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionResetError("an answer has begun already")
        refusal = self._refusal_of(status, exc)
        answer = self._listener.answer(refusal)
        made = _Unnamed(status=answer.status, body=answer.body, headers=answer.headers)
        made.force_close()
        return made

    def _refusal_of(self, status: int, exc: BaseException | None) -> Refusal:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed", exc_info=exc)
            return InternalError()
        too_large = isinstance(exc, LineTooLong) or "Too many headers" in str(exc)
        return HeadersTooLarge() if too_large else HttpMalformed()


class _Unnamed(web.Response):
    """An answer outside the application, without the Server header that names aiohttp's version."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop("Server", None)


def on_the_wire(answer: web.Response) -> bytes:
    """The bytes of an answer that belongs to no request."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    headers = {**answer.headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
