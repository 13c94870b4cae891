"""Cash refunds for tests."""

from dataclasses import dataclass
from typing import Any, Final

from incasso.cod.v1 import refunds_pb2 as pb
from libs import ids
from tests.services.cod.orders import Shop, event

GIULIAS: Final = {"holder": "Giulia Bianchi", "iban": "IT60X0542811101000000123456"}
MARCOS: Final = {"holder": "Marco Rossi", "iban": "DE89370400440532013000"}


@dataclass
class Cashier:
    """Refunds orders of a shop that were collected."""

    shop: Shop

    async def collected(self, *amounts: int, **more: Any) -> Any:
        """An order in parcels of these amounts, or in one of 50.00, all of them collected."""
        order = await self.shop.dispatched(*amounts, **more)
        events = (event(order, "collected", parcel=n) for n in range(len(amounts) or 1))
        await self.shop.report(*events)
        return order

    async def ask(self, order: Any, amount_minor: int | None = None, *, key: str = "") -> Any:
        fields = {"cod_order_id": order.id, "amount_minor": amount_minor}
        answer = await self.shop.call("CreateCodRefund", key=key or ids.new("key"), **fields)
        return answer.refund

    async def call(self, rpc: str, refund: Any, **more: Any) -> pb.CodRefund:
        return (await self.shop.call(rpc, cod_refund_id=refund.id, **more)).refund

    async def give(self, refund: Any, account: Any = GIULIAS) -> pb.CodRefund:
        return await self.call("SetCodRefundAccount", refund, account=account)

    async def ready(self, amount_minor: int = 50_00, account: Any = GIULIAS, **more: Any) -> Any:
        """A refund of a whole order, with its account."""
        order = await self.collected(amount_minor, **more)
        return await self.give(await self.ask(order), account)

    async def refunded_minor(self, order: Any) -> int:
        return (await self.shop.get(order.id)).refunded_minor

    async def export(self, *, key: str = "", **more: Any) -> pb.CodRefundExport:
        answer = await self.shop.call("CreateCodRefundExport", key=key or ids.new("key"), **more)
        return answer.export

    async def file(self, export: Any) -> pb.GetCodRefundFileResponse:
        return await self.shop.call("GetCodRefundFile", cod_refund_export_id=export.id)

    async def paid(self, export: Any, *refunds: Any) -> pb.CodRefundExport:
        return await self._marked("MarkCodRefundsPaid", export, refunds)

    async def failed(self, export: Any, *refunds: Any, **more: Any) -> pb.CodRefundExport:
        return await self._marked("MarkCodRefundsFailed", export, refunds, reason="AM04", **more)

    async def _marked(self, rpc: str, export: Any, refunds: Any, **more: Any) -> Any:
        named = [refund.id for refund in refunds]
        fields = {"cod_refund_export_id": export.id, "cod_refund_ids": named, **more}
        return (await self.shop.call(rpc, **fields)).export
