"""The only file that calls paylink and reads its links: URLs and amounts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import grpc

from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1.paylink_pb2_grpc import PaymentLinksServiceStub
from libs import client, deadlines, wire
from libs.errors import RemoteRefusal
from libs.money import Money
from services.notify.messages.rules.domain import About, Item

_CLOSED: Final = frozenset({"payment_link_closed", "payment_link_not_found"})


class LinkOverError(Exception):
    """The link can no longer be paid."""


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """`paying`: a payment is in progress, or a bank transfer was announced."""

    url: str
    about: About
    paying: bool


class Links:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = PaymentLinksServiceStub(channel)

    async def address(self, payment_link_id: str) -> LinkAddress:
        """The URL of an open link, and the amount that it asks for now. Raises LinkOverError,
        Refusal.
        """
        request = pb.GetPaymentLinkAddressRequest(payment_link_id=payment_link_id)
        try:
            answer: pb.GetPaymentLinkAddressResponse = await client.call(
                self._stub.GetPaymentLinkAddress, request, timeout_seconds=deadlines.READ
            )
        except RemoteRefusal as refusal:
            if refusal.reason in _CLOSED:
                raise LinkOverError(refusal.reason) from refusal
            raise
        link = answer.payment_link
        paying = link.state == pb.PaymentLink.STATE_PAYING
        return LinkAddress(answer.url, about_link(link), paying)


def about_link(link: pb.PaymentLink, *, happened_at: datetime | None = None) -> About:
    """What a message says about a link."""
    amount = wire.money_of(link.amount_due if link.HasField("amount_due") else link.amount)
    total = wire.money_of(link.amount)
    received_minor = 0 if link.reusable else link.paid_minor
    return About(
        amount=amount,
        order_reference=link.order_reference,
        description=link.description,
        name=link.recipient.name,
        total=total if total != amount else None,
        received=Money(received_minor, total.currency) if received_minor else None,
        is_deposit=link.HasField("deposit"),
        items=tuple(
            Item(item.name, item.quantity, item.quantity * item.unit_amount_minor)
            for item in link.line_items
        ),
        expires_at=wire.time_of(link.expires_at) if link.HasField("expires_at") else None,
        happened_at=happened_at,
        has_quote=link.HasField("quote"),
        paragraphs=tuple(filter(None, (link.warning, link.representative_example))),
        warning=link.warning,
    )
