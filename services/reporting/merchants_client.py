"""The only file that calls merchants: in which zone a merchant's days are."""

import grpc

from incasso.merchants.v1 import merchants_pb2, merchants_pb2_grpc
from libs import client, context, deadlines, time_zones
from libs.context import Call


class Merchants:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = merchants_pb2_grpc.MerchantsServiceStub(channel)

    async def zone_of(self, merchant_id: str) -> str:
        """Raises RemoteRefusal, ServiceUnavailable."""
        before = context.current()
        context.set_current(Call(merchant_id=merchant_id, actor=before.actor))
        try:
            request, method = merchants_pb2.GetMerchantRequest(), self._stub.GetMerchant
            answer = await client.call(method, request, timeout_seconds=deadlines.READ)
        finally:
            context.set_current(before)
        return answer.merchant.time_zone or time_zones.UTC
