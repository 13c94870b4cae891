"""POST /webhooks/psp/{psp_account_id}: PSP webhooks, forwarded unchanged.

Not authenticated here: payments verifies the PSP's signature over the raw body. Webhooks of an
account that has sent a valid signature are only limited by failures of that account and address;
strangers share their address's limit.
"""

import time
from collections import OrderedDict
from typing import Any, Final

from aiohttp import web

from incasso.payments.v1 import payments_pb2
from libs import client, deadlines
from libs.errors import Kind, Refusal
from libs.text import without_controls
from libs.web import bodies
from libs.web.client_addresses import Addresses
from libs.web.errors import TooManyRequests
from libs.web.limits import Limiter
from services.gateway.transcoder import JSON_HEADERS

PATH: Final = "/webhooks/psp/{psp_account_id}"
MAX_BODY_BYTES: Final = 256 * 1024
MAX_HEADERS: Final = 100
MAX_HEADER_LENGTH: Final = 8192
MAX_VERIFIED: Final = 10_000
CALLERS_FAULT: Final = frozenset(
    [Kind.INVALID, Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.NOT_FOUND]
)


class PspWebhooks:
    """`handle` is payments' HandlePspWebhook. `failures` limits addresses that send garbage."""

    def __init__(self, handle: Any, failures: Limiter, addresses: Addresses) -> None:
        self._handle = handle
        self._failures = failures
        self._addresses = addresses
        self._verified: OrderedDict[str, None] = OrderedDict()  # account ids

    async def receive(self, request: web.Request) -> web.Response:
        """200 once stored; otherwise payments' refusal. A PSP repeats anything but a 2xx."""
        account = request.match_info["psp_account_id"]
        name, at = self._bucket(account, request), time.monotonic()
        if wait := self._failures.wait_seconds(name, at):
            raise TooManyRequests(wait)
        message = payments_pb2.HandlePspWebhookRequest(
            psp_account_id=account,
            body=await bodies.raw(request, MAX_BODY_BYTES),
            headers=headers_of(request),
        )
        try:
            await client.call(self._handle, message, timeout_seconds=deadlines.QUESTION)
        except Refusal as refusal:
            if refusal.kind in CALLERS_FAULT:
                self._failures.take(name, at)
            raise
        self._remember(account)
        return web.Response(body=b'{"received":true}', headers=JSON_HEADERS)

    def _bucket(self, account: str, request: web.Request) -> str:
        address = self._addresses.bucket(request)
        return f"{account} {address}" if account in self._verified else address

    def _remember(self, account: str) -> None:
        self._verified[account] = None
        self._verified.move_to_end(account)
        if len(self._verified) > MAX_VERIFIED:
            self._verified.popitem(last=False)


def headers_of(request: web.Request) -> dict[str, str]:
    """Headers by lower-case name, repeated ones joined; truncated to what payments accepts."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        text = without_controls(value.encode("utf-8", "replace").decode())
        key = name.lower()[:40]
        joined = f"{found[key]}, {text}" if key in found else text
        found[key] = joined[:MAX_HEADER_LENGTH]
        if len(found) == MAX_HEADERS:
            break
    return found
