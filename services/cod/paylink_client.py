"""The only file that calls paylink: links that pay orders online."""

from dataclasses import dataclass, field
from typing import Any

import grpc

from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1.paylink_pb2_grpc import PaymentLinksServiceStub
from libs import client, deadlines, wire
from libs.payments import link_calls
from services.cod.rules import order_links
from services.cod.rules.order_links import OrderLink
from services.cod.rules.orders import Order


@dataclass(frozen=True, slots=True)
class QrCode:
    """The URL of a link and its QR code: anyone who has them can pay."""

    url: str = field(repr=False)
    svg: str = field(repr=False)
    png_data_url: str = field(repr=False)


class Links:
    """All calls may be repeated."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = PaymentLinksServiceStub(channel)

    async def make(self, order: Order, link: OrderLink) -> str:
        """Id of the payment link, the same for the same link. Raises RemoteRefusal, OutcomeUnknown."""
        request = pb.CreateCodLinkRequest(
            cod_order_id=order.id,
            cod_link_number=link.number,
            amount=wire.money(link.amount),
            order_part=link.order_part,
            description=order_links.described(order, link.purpose),
            order_reference=order.order_reference,
            locale=order.locale,
        )
        return await link_calls.create(self._stub.CreateCodLink, request, key=link.id)

    async def close(self, payment_link_id: str, *, paid_otherwise: bool) -> None:
        """Raises RemoteRefusal while it is being paid, OutcomeUnknown."""
        request = pb.CloseCodLinkRequest(
            payment_link_id=payment_link_id, paid_otherwise=paid_otherwise
        )
        await link_calls.close(self._stub.CloseCodLink, request)

    async def qr_code(self, payment_link_id: str) -> QrCode:
        """Raises RemoteRefusal, OutcomeUnknown."""
        answer = await client.call(
            self._stub.GetPaymentLinkQrCode,
            pb.GetPaymentLinkQrCodeRequest(payment_link_id=payment_link_id),
            timeout_seconds=deadlines.READ,
        )
        return wire.read(QrCode, answer)
