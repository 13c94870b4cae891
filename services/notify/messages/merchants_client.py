"""The only file that calls merchants: how a merchant appears to shoppers."""

from typing import Any, Final

import grpc

from incasso.merchants.v1 import merchants_pb2 as pb
from incasso.merchants.v1.merchants_pb2_grpc import MerchantsServiceStub
from libs import client, context, deadlines, wire
from libs.answers import Answers
from services.notify.messages.rules.domain import Merchant

FRESH_SECONDS: Final = 60.0  # should an event be missed


class Merchants:
    """Answers are kept until the merchant changes, and used longer when merchants does not answer."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = MerchantsServiceStub(channel)
        self._kept: Answers[Merchant] = Answers(fresh_seconds=FRESH_SECONDS)

    async def current(self) -> Merchant:
        """The merchant of the current call. Raises Refusal."""
        return await self._kept.get(context.merchant_id(), self._asked)

    def forget(self, merchant_id: str) -> None:
        """The merchant has changed."""
        self._kept.forget(merchant_id)

    async def _asked(self) -> Merchant:
        answer: pb.GetMerchantResponse = await client.call(
            self._stub.GetMerchant, pb.GetMerchantRequest(), timeout_seconds=deadlines.READ
        )
        return _merchant(answer.merchant)


def _merchant(merchant: pb.Merchant) -> Merchant:
    return wire.read(
        Merchant,
        merchant.branding,
        name=merchant.name,
        locale=merchant.locale,
        plan=merchant.plan,
        quotas=dict(merchant.quotas),
    )
