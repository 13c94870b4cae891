"""The only file that calls merchants: how a merchant appears to shoppers."""

from typing import Any, Final

import grpc

from incasso.merchants.v1 import merchants_pb2 as pb
from incasso.merchants.v1.merchants_pb2_grpc import MerchantsServiceStub
from libs import client, deadlines, wire
from libs.remote_cache import MerchantCache
from services.notify.messages.rules.domain import Merchant

FRESH_SECONDS: Final = 60.0  # in case an event is missed


class Merchants(MerchantCache[Merchant]):
    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(self._asked, fresh_seconds=FRESH_SECONDS)
        self._stub: Any = MerchantsServiceStub(channel)

    async def _asked(self) -> Merchant:
        request, method = pb.GetMerchantRequest(), self._stub.GetMerchant
        answer = await client.call(method, request, timeout_seconds=deadlines.READ)
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
