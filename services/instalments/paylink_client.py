"""The only file that calls paylink: links to pay missed parts."""

from typing import Any, Final

import grpc

from incasso.common.v1 import offer_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1.paylink_pb2_grpc import PaymentLinksServiceStub
from libs import client, deadlines, wire
from services.instalments.rules.links import PartLink
from services.instalments.rules.plans import Plan

PAYING: Final = "payment_link_paying"


class Links:
    """Each call may be repeated."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = PaymentLinksServiceStub(channel)

    async def make(self, plan: Plan, link: PartLink) -> str:
        """Id of the payment link, the same for the same link. Raises RemoteRefusal,
        OutcomeUnknown.
        """
        offer = offer_pb2.InstalmentOffer.FromString(plan.offer)
        request = pb.CreateInstalmentLinkRequest(
            plan_id=plan.id,
            instalment_number=link.number,
            amount=wire.money(link.amount),
            description=link.description,
            order_reference=plan.order_reference,
            customer_id=plan.customer_id,
            locale=plan.locale,
            warning=wire.opt(offer, "warning"),
            representative_example=wire.opt(offer, "representative_example"),
        )
        answer = await client.call(
            self._stub.CreateInstalmentLink,
            request,
            timeout_seconds=deadlines.READ,
            idempotency_key=link.id,
        )
        made: str = answer.payment_link.id
        return made

    async def close(self, payment_link_id: str, *, paid_otherwise: bool) -> None:
        """Raises RemoteRefusal, OutcomeUnknown."""
        request = pb.CloseInstalmentLinkRequest(
            payment_link_id=payment_link_id, paid_otherwise=paid_otherwise
        )
        await client.call(self._stub.CloseInstalmentLink, request, timeout_seconds=deadlines.MONEY)
