"""Calls from paylink to payments: the payment of a link, and the field for a new card."""

from collections.abc import Sequence
from typing import Final

from incasso.payments.v1 import payments_pb2
from libs import client, deadlines, wire
from libs.money import Money
from libs.payments.client import Payments as AskedPayments
from libs.payments.saved_cards import SavedCard
from services.paylink.rules.domain import CardField, Link, NewCard

METHOD: Final = "link"


def payment_request(
    link: Link,
    card: SavedCard | NewCard,
    *,
    order_part: str,
    velocity_subjects: Sequence[str],
    return_url: str,
) -> payments_pb2.CreatePaymentRequest:
    """The request to payments for what is due."""
    request = payments_pb2.CreatePaymentRequest(
        amount=wire.money(link.due),
        order_reference=link.order_reference,
        order_part=order_part,
        velocity_subjects=velocity_subjects,
        description=link.description,
        method=METHOD,
        capture=payments_pb2.CAPTURE_MODE_NOW,
        customer_id=link.customer_id or "",
        initiator=payments_pb2.INITIATOR_CUSTOMER,
        return_url=return_url,
        metadata=link.metadata,
    )
    if isinstance(card, SavedCard):
        request.instrument.ParseFromString(card.charge)
        request.sca_history.ParseFromString(card.sca_history)
    else:
        request.instrument.brand = card.brand
        request.instrument.last4 = card.last4
        request.instrument.tokens.add(psp_account=card.psp_account, token=card.token)
    return request


class Payments(AskedPayments):
    """Calls on behalf of the current call's merchant."""

    async def card_field(self, amount: Money, *, velocity_subject: str) -> CardField:
        """Raises RemoteRefusal no_psp_account and too_many_declines, OutcomeUnknown."""
        answer = await client.call(
            self._stub.GetCardField,
            payments_pb2.GetCardFieldRequest(
                amount=wire.money(amount), method=METHOD, velocity_subjects=[velocity_subject]
            ),
            timeout_seconds=deadlines.BRIEF,
        )
        account = answer.psp_account
        return CardField(account.psp, account.name, account.publishable_key, account.field_url)
