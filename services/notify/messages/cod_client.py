"""The only file that calls cod: the codes that messages bring."""

from typing import Any, Final

import grpc

from incasso.cod.v1 import orders_pb2 as pb
from incasso.cod.v1.orders_pb2_grpc import CodOrdersServiceStub
from libs import client, deadlines
from libs.errors import RemoteRefusal

_OVER: Final = frozenset({"cod_code_over", "cod_order_not_found"})


class CodeOverError(Exception):
    """Nobody can confirm anything by the code any more."""


class CodOrders:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = CodOrdersServiceStub(channel)

    async def code(self, cod_order_id: str) -> str:
        """As it is by now. Raises CodeOverError, Refusal."""
        request = pb.GetCodCodeRequest(cod_order_id=cod_order_id)
        try:
            answer: pb.GetCodCodeResponse = await client.call(
                self._stub.GetCodCode, request, timeout_seconds=deadlines.READ
            )
        except RemoteRefusal as refusal:
            if refusal.reason in _OVER:
                raise CodeOverError(refusal.reason) from refusal
            raise
        return answer.code
