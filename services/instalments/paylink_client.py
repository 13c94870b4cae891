"""The only file that calls paylink: links to pay missed parts."""

from typing import Any

import grpc

from incasso.common.v1 import offer_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1.paylink_pb2_grpc import PaymentLinksServiceStub
from libs import wire
from libs.payments import link_calls
from services.instalments.rules.links import PartLink
from services.instalments.rules.plans import Plan


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
        return await link_calls.create(self._stub.CreateInstalmentLink, request, key=link.id)

    async def close(self, payment_link_id: str, *, paid_otherwise: bool) -> None:
        """Raises RemoteRefusal while it is being paid, OutcomeUnknown."""
        request = pb.CloseInstalmentLinkRequest(
            payment_link_id=payment_link_id, paid_otherwise=paid_otherwise
        )
        await link_calls.close(self._stub.CloseInstalmentLink, request)
