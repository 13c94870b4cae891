"""The only file that calls payments. Keys are ids of our own rows, so a repeat is the same call.

Answers are certain: a refusal that may come from an outage is OutcomeUnknown, never a no.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import grpc

from incasso.payments.v1 import payments_pb2, payments_pb2_grpc
from libs import client, wire
from libs.errors import OutcomeUnknown
from libs.money import Money
from services.paylink.rules.cards import CardField, NewCard, PaymentAnswer, SavedCard
from services.paylink.rules.domain import Decline, LinkPayment
from services.paylink.rules.states import PaymentEvent

METHOD: Final = "link"
MONEY_TIMEOUT_SECONDS: Final = 25.0  # payments may ask two PSPs, ten seconds each
READ_TIMEOUT_SECONDS: Final = 5.0
PAGE_TIMEOUT_SECONDS: Final = 2.0  # a page is shown without what does not answer
PAGE: Final = 100
MARK: Final = "incasso_link_payment_id"  # in the payment's metadata: whose payment it is
MOST_METADATA: Final = 50  # that payments takes

_State = payments_pb2.Payment
EVENTS: Final[Mapping[int, PaymentEvent]] = {
    _State.STATE_PROCESSING: PaymentEvent.WAIT,
    _State.STATE_REQUIRES_ACTION: PaymentEvent.WAIT,
    _State.STATE_PENDING: PaymentEvent.WAIT,
    _State.STATE_AUTHORISED: PaymentEvent.SUCCEED,
    _State.STATE_CAPTURED: PaymentEvent.SUCCEED,
    _State.STATE_PARTIALLY_REFUNDED: PaymentEvent.SUCCEED,
    _State.STATE_REFUNDED: PaymentEvent.SUCCEED,
    _State.STATE_DECLINED: PaymentEvent.DECLINE,
    _State.STATE_CANCELLED: PaymentEvent.CANCEL,
}


def answer_of(payment: payments_pb2.Payment) -> PaymentAnswer:
    """OutcomeUnknown for a state that this version does not know."""
    event = EVENTS.get(payment.state)
    if event is None:
        raise OutcomeUnknown
    action, decline = payment.next_action, payment.decline
    challenged = payment.state == _State.STATE_REQUIRES_ACTION
    return PaymentAnswer(
        id=payment.id,
        link_payment_id=payment.metadata.get(MARK),
        state=_State.State.Name(payment.state).removeprefix("STATE_").lower(),
        event=event,
        next_action_type=action.type if challenged else None,
        next_action_url=action.url if challenged else None,
        decline=Decline(decline.code, decline.message, decline.psp_code or None)
        if payment.HasField("decline")
        else None,
    )


def payment_request(
    *,
    link_payment_id: str,
    amount: Money,
    order_reference: str,
    order_part: str,
    velocity_subjects: Sequence[str],
    description: str,
    card: SavedCard | NewCard,
    customer_id: str | None,
    return_url: str,
    metadata: Mapping[str, str],
) -> bytes:
    """What payments will be asked, to be stored with the intent; marked as that try's."""
    room = len(metadata) < MOST_METADATA
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
        metadata={**metadata, MARK: link_payment_id} if room else metadata,
    )
    if isinstance(card, SavedCard):
        request.instrument.ParseFromString(card.charge)
        request.sca_history.ParseFromString(card.sca_history)
    else:
        request.instrument.brand = card.brand
        request.instrument.tokens.add(psp_account=card.psp_account, token=card.token)
    return request.SerializeToString(deterministic=True)


class Payments:
    """Calls on behalf of the current call's merchant."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = payments_pb2_grpc.PaymentsServiceStub(channel)

    async def create_payment(self, request: bytes, *, key: str) -> PaymentAnswer:
        """Pay, or learn what became of it: the try's id is the key.

        Raises RemoteRefusal for a certain no, OutcomeUnknown, IdempotencyKeyInUse.
        """
        asked = payments_pb2.CreatePaymentRequest.FromString(request)
        answer = await client.move(
            self._stub.CreatePayment, asked, timeout_seconds=MONEY_TIMEOUT_SECONDS, key=key
        )
        return answer_of(answer.payment)

    async def get_payment(self, payment_id: str) -> PaymentAnswer:
        """The payment as it is now."""
        request = payments_pb2.GetPaymentRequest(payment_id=payment_id)
        answer = await client.call(
            self._stub.GetPayment, request, timeout_seconds=READ_TIMEOUT_SECONDS
        )
        return answer_of(answer.payment)

    async def cancel_payment(self, payment_id: str, *, key: str) -> PaymentAnswer:
        """Give up a challenge that nobody passes. Raises as create_payment does."""
        request = payments_pb2.CancelPaymentRequest(payment_id=payment_id)
        answer = await client.move(
            self._stub.CancelPayment, request, timeout_seconds=MONEY_TIMEOUT_SECONDS, key=key
        )
        return answer_of(answer.payment)

    async def payments_like(
        self,
        payment: LinkPayment,
        order_reference: str,
        *,
        created_from: datetime,
        created_to: datetime,
    ) -> Sequence[PaymentAnswer]:
        """Payments by link of the same order and amount, but for other tries'; oldest first."""
        found: list[PaymentAnswer] = []
        request = payments_pb2.ListPaymentsRequest(
            limit=PAGE,
            order_reference=order_reference,
            created_from=wire.timestamp(created_from),
            created_to=wire.timestamp(created_to),
        )
        while True:
            answer = await client.call(
                self._stub.ListPayments, request, timeout_seconds=READ_TIMEOUT_SECONDS
            )
            found += [
                answer_of(one)
                for one in answer.data
                if one.method == METHOD
                and wire.money_of(one.amount) == payment.amount
                and one.metadata.get(MARK, payment.id) == payment.id
            ]
            if not answer.next_cursor:
                return found[::-1]
            request.cursor = answer.next_cursor

    async def card_field(self, amount: Money, *, velocity_subject: str) -> CardField:
        """Raises RemoteRefusal no_psp_account and too_many_declines, OutcomeUnknown."""
        answer = await client.call(
            self._stub.GetCardField,
            payments_pb2.GetCardFieldRequest(
                amount=wire.money(amount), method=METHOD, velocity_subjects=[velocity_subject]
            ),
            timeout_seconds=PAGE_TIMEOUT_SECONDS,
        )
        account = answer.psp_account
        return CardField(account.psp, account.name, account.publishable_key, account.field_url)
