"""What paylink asks payments: the payment of a link, and the field for a new card."""

from collections.abc import Mapping, Sequence
from typing import Final

from incasso.payments.v1 import payments_pb2
from libs import client, deadlines, wire
from libs.money import Money
from libs.payments.client import Payments as AskedPayments
from services.paylink.rules.cards import CardField, NewCard, SavedCard

METHOD: Final = "link"


def payment_request(
    *,
    amount: Money,
    order_reference: str,
    order_part: str,
    velocity_subjects: Sequence[str],
    description: str,
    card: SavedCard | NewCard,
    customer_id: str | None,
    return_url: str,
    metadata: Mapping[str, str],
) -> payments_pb2.CreatePaymentRequest:
    """What payments will be asked."""
    request = payments_pb2.CreatePaymentRequest(
        amount=wire.money(amount),
        order_reference=order_reference,
        order_part=order_part,
        velocity_subjects=velocity_subjects,
        description=description,
        method=METHOD,
        capture=payments_pb2.CAPTURE_MODE_NOW,
        customer_id=customer_id or "",
        initiator=payments_pb2.INITIATOR_CUSTOMER,
        return_url=return_url,
        metadata=metadata,
    )
    if isinstance(card, SavedCard):
        request.instrument.ParseFromString(card.charge)
        request.sca_history.ParseFromString(card.sca_history)
    else:
        request.instrument.brand = card.brand
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
