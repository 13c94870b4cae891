"""The only file that calls cod: the codes in messages, and the pages that they link to."""

from typing import Any, Final

import grpc

from incasso.cod.v1 import orders_pb2 as pb
from incasso.cod.v1 import pages_pb2
from incasso.cod.v1.orders_pb2_grpc import CodOrdersServiceStub
from incasso.cod.v1.pages_pb2_grpc import CodPagesServiceStub
from libs import client, deadlines
from libs.errors import RemoteRefusal

_ABSENT: Final = "cod_order_not_found"
_OVER: Final = frozenset({"cod_code_over", _ABSENT})


class CodeOverError(Exception):
    """The code can no longer confirm anything."""


class CodOrders:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        stub: Any = CodOrdersServiceStub(channel)
        self._code = stub.GetCodCode
        stub = CodPagesServiceStub(channel)
        self._address = stub.GetCodOrderAddress

    async def code(self, cod_order_id: str) -> str:
        """The current code. Raises CodeOverError, Refusal."""
        request = pb.GetCodCodeRequest(cod_order_id=cod_order_id)
        try:
            answer: pb.GetCodCodeResponse = await client.call(
                self._code, request, timeout_seconds=deadlines.READ
            )
        except RemoteRefusal as refusal:
            if refusal.reason in _OVER:
                raise CodeOverError(refusal.reason) from refusal
            raise
        return answer.code

    async def address(self, cod_order_id: str) -> str:
        """URL of the order's page; "" if it no longer has one. Raises Refusal."""
        request = pages_pb2.GetCodOrderAddressRequest(cod_order_id=cod_order_id)
        try:
            answer: pages_pb2.GetCodOrderAddressResponse = await client.call(
                self._address, request, timeout_seconds=deadlines.READ
            )
        except RemoteRefusal as refusal:
            if refusal.reason == _ABSENT:
                return ""
            raise
        return answer.url
