"""The only file that calls instalments: addresses of plans' pages."""

from typing import Any

import grpc

from incasso.instalments.v1 import pages_pb2 as pb
from incasso.instalments.v1.pages_pb2_grpc import InstalmentPagesServiceStub
from libs import client, deadlines


class Plans:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = InstalmentPagesServiceStub(channel)

    async def address(self, plan_id: str) -> str:
        """Raises Refusal."""
        answer: pb.GetInstalmentPlanAddressResponse = await client.call(
            self._stub.GetInstalmentPlanAddress,
            pb.GetInstalmentPlanAddressRequest(plan_id=plan_id),
            timeout_seconds=deadlines.READ,
        )
        return answer.url
