"""POST /webhooks/psp/{psp_account_id}: what a PSP sends, passed on byte by byte.

Not authenticated here: payments verifies the PSP's signature over the raw body.
"""

import time
from typing import Any, Final

from aiohttp import web

from incasso.payments.v1 import payments_pb2
from libs import client, context
from libs.errors import Kind, Refusal
from services.gateway.errors import TooManyRequests
from services.gateway.limits import Limiter
from services.gateway.transcoder import JSON_HEADERS, body_bytes, client_address

PATH: Final = "/webhooks/psp/{psp_account_id}"
MAX_BODY_BYTES: Final = 256 * 1024
MAX_HEADERS: Final = 100
MAX_HEADER_LENGTH: Final = 8192
TIMEOUT_SECONDS: Final = 20.0
ACTOR: Final = "gateway-webhook"


class PspWebhooks:
    """`handle` is payments' HandlePspWebhook. `failures` limits addresses that send rubbish."""

    def __init__(self, handle: Any, failures: Limiter, trusted_proxies: int) -> None:
        self._handle = handle
        self._failures = failures
        self._trusted_proxies = trusted_proxies

    async def receive(self, request: web.Request) -> web.Response:
        """200 once stored; payments' own no otherwise. A PSP repeats what is not a 2xx."""
        address, at = client_address(request, self._trusted_proxies), time.monotonic()
        if wait := self._failures.wait_seconds(address, at):
            raise TooManyRequests(wait)
        message = payments_pb2.HandlePspWebhookRequest(
            psp_account_id=request.match_info["psp_account_id"],
            body=await body_bytes(request, MAX_BODY_BYTES),
            headers=headers_of(request),
        )
        context.set_current(context.Call(actor=ACTOR))
        try:
            await client.call(self._handle, message, timeout_seconds=TIMEOUT_SECONDS)
        except Refusal as refusal:
            if refusal.kind is not Kind.UNAVAILABLE:
                self._failures.take(address, at)
            raise
        return web.Response(body=b'{"received":true}', headers=JSON_HEADERS)


def headers_of(request: web.Request) -> dict[str, str]:
    """In lower case, repeated ones joined; cut to what payments takes."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        text = value.encode("utf-8", "replace").decode().replace("\x00", "")
        key = name.lower()[:40]
        joined = f"{found[key]}, {text}" if key in found else text
        found[key] = joined[:MAX_HEADER_LENGTH]
        if len(found) == MAX_HEADERS:
            break
    return found
