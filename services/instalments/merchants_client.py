"""The only file that calls merchants: the seller, and the language."""

from typing import Final

import grpc

from incasso.merchants.v1 import merchants_pb2, merchants_pb2_grpc
from libs import client, deadlines, wire
from libs.answers import OfMerchant
from services.instalments.rules.merchants import Merchant

FRESH_SECONDS: Final = 30.0  # in case an event is missed


class Merchants(OfMerchant[Merchant]):
    """Called on behalf of the current call's merchant."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(self._asked, fresh_seconds=FRESH_SECONDS)
        self._stub = merchants_pb2_grpc.MerchantsServiceStub(channel)

    async def _asked(self) -> Merchant:
        request = merchants_pb2.GetMerchantRequest()
        method = self._stub.GetMerchant
        answer = await client.call(method, request, timeout_seconds=deadlines.READ)
        branding = answer.merchant.branding
        return wire.read(
            Merchant,
            answer.merchant,
            logo_id=branding.logo_id or None,
            primary_colour=branding.primary_colour or None,
            website_url=branding.website_url or None,
            reply_to=branding.reply_to or None,
        )
