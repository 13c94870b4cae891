"""Calls to merchants: a service's view of the current call's merchant."""

from typing import Any, Final, TypeVar, cast

import grpc

from incasso.merchants.v1 import merchants_pb2, merchants_pb2_grpc
from libs import client, context, deadlines, wire
from libs.context import Call
from libs.hints import hints_of
from libs.remote_cache import MerchantCache

FRESH_SECONDS: Final = 30.0  # in case an event is missed
_BRANDING: Final = frozenset({"logo_id", "primary_colour", "website_url", "reply_to"})

T = TypeVar("T")


class Merchants(MerchantCache[T]):
    """`kind`: a dataclass with the fields of merchants.Merchant and its branding that the service
    needs.

    `get` is for pages and messages, `get_current` for data that is stored.
    """

    def __init__(self, kind: type[T], channel: grpc.aio.Channel) -> None:
        super().__init__(self._asked, fresh_seconds=FRESH_SECONDS)
        self._kind: Any = kind
        self._branding = _BRANDING & hints_of(cast(Any, kind)).keys()
        self._stub = merchants_pb2_grpc.MerchantsServiceStub(channel)

    async def get_current_of(self, merchant_id: str) -> T:
        """The same as `get_current`, for a merchant other than the current call's, as in batches of
        events. Raises RemoteRefusal, ServiceUnavailable.
        """
        before = context.current()
        context.set_current(Call(merchant_id=merchant_id, actor=before.actor))
        try:
            return await self.get_current()
        finally:
            context.set_current(before)

    async def _asked(self) -> T:
        request = merchants_pb2.GetMerchantRequest()
        method = self._stub.GetMerchant
        answer = await client.call(method, request, timeout_seconds=deadlines.READ)
        branding = answer.merchant.branding
        shown = {name: getattr(branding, name) or None for name in self._branding}
        found: T = wire.read(self._kind, answer.merchant, **shown)
        return found
