"""Delivery reports, forwarded unchanged to notify: SMS states and bounces.

Not authenticated here: notify verifies the provider's signature, or the message's return address.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from google.protobuf.message import Message

from incasso.notify.v1 import messages_pb2
from libs import client, deadlines
from libs.errors import Refusal
from libs.web import bodies
from libs.web.client_addresses import Addresses
from libs.web.errors import TooManyRequests
from libs.web.limits import Limiter
from services.gateway.errors import MediaTypeUnsupported
from services.gateway.rules.limits import Failures
from services.gateway.transcoder import JSON_HEADERS
from services.gateway.webhooks import CALLERS_FAULT, MAX_BODY_BYTES, headers_of

SMS_PATH: Final = "/webhooks/sms/{provider}"
BOUNCE_PATH: Final = "/webhooks/bounces"
BOUNCE_TYPE: Final = "message/rfc822"


class DeliveryReports:
    """`sms` and `bounce` are notify's HandleSmsStatus and HandleBounce."""

    def __init__(
        self, sms: Any, bounce: Any, *, failures: Failures, addresses: Addresses, public_url: str
    ) -> None:
        self._handle_sms = sms
        self._handle_bounce = bounce
        self._failures = failures
        self._addresses = addresses
        self._public_url = public_url

    async def sms(self, request: web.Request) -> web.Response:
        """A provider's signature covers the URL that it was given, which is the public one."""

        async def report() -> Message:
            return messages_pb2.HandleSmsStatusRequest(
                provider=request.match_info["provider"],
                url=f"{self._public_url}{request.path_qs}",
                body=await bodies.raw(request, MAX_BODY_BYTES),
                headers=headers_of(request),
            )

        return await self._pass_on(request, self._handle_sms, report, self._failures.sms)

    async def bounce(self, request: web.Request) -> web.Response:
        """A complete message, as mail servers pipe it to a program."""

        async def report() -> Message:
            if bodies.media_type_of(request)[0] != BOUNCE_TYPE:
                raise MediaTypeUnsupported(f"Send the message as `Content-Type: {BOUNCE_TYPE}`.")
            return messages_pb2.HandleBounceRequest(body=await bodies.raw(request, MAX_BODY_BYTES))

        return await self._pass_on(request, self._handle_bounce, report, self._failures.bounces)

    async def _pass_on(
        self,
        request: web.Request,
        handle: Any,
        report: Callable[[], Awaitable[Message]],
        failures: Limiter,
    ) -> web.Response:
        address, at = self._addresses.bucket(request), time.monotonic()
        if wait := failures.wait_seconds(address, at):
            raise TooManyRequests(wait)
        message = await report()
        try:
            await client.call(handle, message, timeout_seconds=deadlines.QUESTION)
        except Refusal as refusal:
            if refusal.kind in CALLERS_FAULT:
                failures.take(address, at)
            raise
        return web.Response(body=b'{"received":true}', headers=JSON_HEADERS)
