"""The only file that calls payments, the only service that talks to PSPs: it fetches settlements."""

from typing import Any

import grpc

from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from libs import client, deadlines, wire
from services.reporting.rules.feeds import FeedLine, FeedPage


class Psps:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = PaymentsServiceStub(channel)

    async def settled(self, psp_account: str, cursor: str) -> FeedPage:
        """The page after the cursor. Raises RemoteRefusal, ServiceUnavailable."""
        request = pb.FetchSettlementsRequest(psp_account=psp_account, cursor=cursor)
        method = self._stub.FetchSettlements
        answer = await client.call(method, request, timeout_seconds=deadlines.CALL)
        lines = tuple(wire.read(FeedLine, line) for line in answer.data)
        return FeedPage(answer.psp, lines, answer.cursor, answer.has_more)
