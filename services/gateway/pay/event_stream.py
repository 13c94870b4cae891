"""GET /p/{token}/events: notifies an open page of changes (server-sent events)."""

import asyncio
import json
import time
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from incasso.paylink.v1 import pages_pb2, paylink_pb2
from libs import json_values
from libs.errors import Kind, Refusal
from libs.web.forms import whole_number
from libs.web.limits import InUse
from services.gateway.pay import guard
from services.gateway.pay.guard import token_of
from services.gateway.pay.handlers import use_of
from services.gateway.pay.paylink_client import Paylink
from services.gateway.transcoder import Edge

PATH: Final = "/p/{token}/events"
POLL_MS: Final = 10_000
MAX_SECONDS: Final = 300.0
PAUSE_SECONDS: Final = 2.0  # before asking paylink again if it did not answer
PER_TOKEN: Final = 5
PER_ADDRESS: Final = 50  # many shoppers may share an address
PER_PROCESS: Final = 2000
_STATES = json_values.enum_names(paylink_pb2.PaymentLink.State.DESCRIPTOR)
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # for proxies that buffer answers
    "X-Robots-Tag": "noindex, nofollow",
}


class EventStreams:
    """The streams of this process; `stop` ends them."""

    def __init__(self, paylink: Paylink, edge: Edge) -> None:
        self._paylink = paylink
        self._failures = edge.failures.pages
        self._addresses = edge.addresses
        self._by_token = InUse()
        self._by_address = InUse()
        self._stopping = asyncio.Event()

    async def stop(self, _: web.Application) -> None:
        self._stopping.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        address, at = self._addresses.bucket(request), time.monotonic()
        if wait := self._failures.wait_seconds(address, at):
            return guard.limited(request, wait)
        name = guard.digest(token_of(request))
        if self._is_full(name, address) or self._stopping.is_set():
            return guard.limited(request, PAUSE_SECONDS)
        self._by_token.take(name)
        self._by_address.take(address)
        try:
            return await self._stream(request)
        except Refusal as refusal:
            if refusal.kind in (Kind.UNAVAILABLE, Kind.INTERNAL):
                return guard.busy(request)
            self._failures.take(address, at)
            return guard.missing(request)
        finally:
            self._by_token.give_back(name)
            self._by_address.give_back(address)

    def _is_full(self, name: str, address: str) -> bool:
        return (
            self._by_token.by(name) >= PER_TOKEN
            or self._by_address.by(address) >= PER_ADDRESS
            or self._by_token.total >= PER_PROCESS
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        known = whole_number(request.query.get("version", ""))
        first = await self._wait(request, known, timeout_ms=0)
        response = web.StreamResponse(status=HTTPStatus.OK, headers=_HEADERS)
        await response.prepare(request)
        try:
            await response.write(b"retry: 5000\n\n")
            await self._send(request, response, known, first)
        except (ConnectionResetError, asyncio.CancelledError):
            pass  # the shopper has left
        return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, known: int, answer: Any
    ) -> None:
        ends_at = time.monotonic() + MAX_SECONDS
        while True:
            if answer is not None and answer.version != known:
                known = answer.version
                await response.write(event(answer))
            else:
                await response.write(b": still here\n\n")
            left = request.transport is None or request.transport.is_closing()
            if left or self._stopping.is_set() or time.monotonic() >= ends_at:
                return
            try:
                asked_at = time.monotonic()
                answer = await self._wait(request, known, timeout_ms=POLL_MS)
                soon = time.monotonic() - asked_at < POLL_MS / 2000
                if soon and answer is not None and answer.version == known:
                    await self._unless_stopping(asyncio.sleep(PAUSE_SECONDS))
            except Refusal as refusal:
                if refusal.kind not in (Kind.UNAVAILABLE, Kind.INTERNAL):
                    return  # the link has a new address
                answer = None
                await self._unless_stopping(asyncio.sleep(PAUSE_SECONDS))

    async def _wait(self, request: web.Request, known: int, *, timeout_ms: int) -> Any:
        """The answer of paylink; None if this process stops first."""
        message = pages_pb2.WaitForPayPageRequest(
            token=token_of(request), use=use_of(request), version=known, timeout_ms=timeout_ms
        )
        return await self._unless_stopping(self._paylink.ask(message))

    async def _unless_stopping(self, work: Any) -> Any:
        asking = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((asking, stopping), return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            asking.cancel()
            stopping.cancel()


def event(answer: pages_pb2.WaitForPayPageResponse) -> bytes:
    data = {"version": answer.version, "state": _STATES.get(answer.state, "unspecified")}
    return f"event: changed\nid: {answer.version}\ndata: {json.dumps(data)}\n\n".encode()
