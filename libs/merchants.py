"""Calls to merchants: a method service's view of the current call's merchant."""

from typing import Final, TypeVar

import grpc

from incasso.merchants.v1 import merchants_pb2, merchants_pb2_grpc
from libs import client, deadlines, wire
from libs.remote_cache import MerchantCache

FRESH_SECONDS: Final = 30.0  # in case an event is missed

T = TypeVar("T")


class Merchants(MerchantCache[T]):
    """`kind`: a dataclass with the fields of merchants.Merchant and its branding that the service
    needs.

    `get` is for pages, `get_current` for data that is stored.
    """

    def __init__(self, kind: type[T], channel: grpc.aio.Channel) -> None:
        super().__init__(self._asked, fresh_seconds=FRESH_SECONDS)
        self._kind = kind
        self._stub = merchants_pb2_grpc.MerchantsServiceStub(channel)

    async def _asked(self) -> T:
        request = merchants_pb2.GetMerchantRequest()
        method = self._stub.GetMerchant
        answer = await client.call(method, request, timeout_seconds=deadlines.READ)
        branding = answer.merchant.branding
        return wire.read(
            self._kind,
            answer.merchant,
            logo_id=branding.logo_id or None,
            primary_colour=branding.primary_colour or None,
            website_url=branding.website_url or None,
            reply_to=branding.reply_to or None,
        )
