"""A double of payments that lists a PSP's settlements."""

from typing import Any

from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1.payments_pb2_grpc import PaymentsServiceServicer
from libs.errors import ServiceUnavailable

PAGE = 2


class Settled(PaymentsServiceServicer):
    """Lists `lines` in order, two per page; the cursor is the number of lines before it."""

    def __init__(self) -> None:
        self.lines: list[pb.PspSettlement] = []
        self.asked: list[tuple[str, str]] = []
        self.down = False

    async def FetchSettlements(self, request: Any, _: Any) -> Any:
        self.asked.append((request.psp_account, request.cursor))
        if self.down:
            raise ServiceUnavailable
        first = int(request.cursor or 0)
        page = self.lines[first : first + PAGE]
        end = first + len(page)
        return pb.FetchSettlementsResponse(
            data=page, cursor=str(end), has_more=end < len(self.lines), psp="stripe"
        )
