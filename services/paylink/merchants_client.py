"""The only file that calls merchants: who asks for the money, and how they appear."""

from typing import Final

import grpc

from incasso.merchants.v1 import merchants_pb2, merchants_pb2_grpc
from libs import client, context, deadlines, wire
from libs.answers import Answers
from services.paylink.rules.domain import Merchant

FRESH_SECONDS: Final = 30.0  # should an event be missed


class Merchants:
    """The merchant of the current call."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = merchants_pb2_grpc.MerchantsServiceStub(channel)
        self._kept: Answers[Merchant] = Answers(fresh_seconds=FRESH_SECONDS)

    async def get(self) -> Merchant:
        """For pages: as it was told last, and as old as it must be during an outage.

        Raises a Refusal only for a merchant that has never answered.
        """
        return await self._kept.get(context.merchant_id(), self._asked)

    async def get_current(self) -> Merchant:
        """As it is now, for what is made from it: a new link's ways of paying, language, quota."""
        return await self._kept.renew(context.merchant_id(), self._asked)

    def forget(self, merchant_id: str) -> None:
        """The merchant has changed."""
        self._kept.forget(merchant_id)

    async def _asked(self) -> Merchant:
        answer = await client.call(
            self._stub.GetMerchant,
            merchants_pb2.GetMerchantRequest(),
            timeout_seconds=deadlines.READ,
        )
        return _merchant(answer.merchant)


def _merchant(merchant: merchants_pb2.Merchant) -> Merchant:
    branding = merchant.branding
    return wire.read(
        Merchant,
        merchant,
        logo_id=branding.logo_id or None,
        primary_colour=branding.primary_colour or None,
        website_url=branding.website_url or None,
        reply_to=branding.reply_to or None,
    )
