"""The only file that calls payments. Keys are ids of our own rows, so a repeat is the same call.

Answers are certain: a refusal that may come from an outage is OutcomeUnknown, never a no.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import grpc

from incasso.common.v1 import money_pb2
from incasso.payments.v1 import payments_pb2, payments_pb2_grpc
from libs import client, context, wire
from libs.errors import OutcomeUnknown
from libs.money import Money
from services.oneclick.rules.domain import (
    CaptureMode,
    Charge,
    ChargeEvent,
    PaymentAnswer,
    PaymentElsewhere,
)
from services.oneclick.rules.instruments import Card, SetUp, Token

SERVICE: Final = "incasso.payments.v1.PaymentsService"
METHOD: Final = "one_click"
MONEY_TIMEOUT_SECONDS: Final = 25.0  # payments may ask two PSPs, ten seconds each
READ_TIMEOUT_SECONDS: Final = 5.0
PAGE: Final = 100

_State = payments_pb2.Payment
EVENTS: Final[Mapping[int, ChargeEvent]] = {
    _State.STATE_PROCESSING: ChargeEvent.WAIT,
    _State.STATE_REQUIRES_ACTION: ChargeEvent.WAIT,
    _State.STATE_PENDING: ChargeEvent.WAIT,
    _State.STATE_AUTHORISED: ChargeEvent.SUCCEED,
    _State.STATE_CAPTURED: ChargeEvent.SUCCEED,
    _State.STATE_PARTIALLY_REFUNDED: ChargeEvent.SUCCEED,
    _State.STATE_REFUNDED: ChargeEvent.SUCCEED,
    _State.STATE_DECLINED: ChargeEvent.DECLINE,
    _State.STATE_CANCELLED: ChargeEvent.CANCEL,
}
_CAPTURE: Final = {
    CaptureMode.NOW: payments_pb2.CAPTURE_MODE_NOW,
    CaptureMode.MANUAL: payments_pb2.CAPTURE_MODE_MANUAL,
    CaptureMode.DELAYED: payments_pb2.CAPTURE_MODE_DELAYED,
}


def answer_of(payment: payments_pb2.Payment) -> PaymentAnswer:
    """OutcomeUnknown for a state that this version does not know."""
    event = EVENTS.get(payment.state)
    if event is None:
        raise OutcomeUnknown
    return PaymentAnswer(
        id=payment.id,
        event=event,
        settled=payment.state != _State.STATE_PROCESSING,
        challenged=payment.state == _State.STATE_REQUIRES_ACTION,
        capture_at=wire.time_of(payment.capture_at) if payment.HasField("capture_at") else None,
        capturable_minor=payment.capturable_minor,
        body=payment.SerializeToString(),
    )


def elsewhere_of(payment: payments_pb2.Payment) -> PaymentElsewhere:
    """A payment by another method. OutcomeUnknown for a state that this version does not know."""
    told = answer_of(payment)
    return PaymentElsewhere(
        merchant_id=context.merchant_id(),
        payment_id=payment.id,
        instrument_id=payment.instrument_id,
        amount=wire.money_of(payment.amount),
        challenged=told.challenged,
        succeeded=told.event is ChargeEvent.SUCCEED,
        failed=told.event in {ChargeEvent.DECLINE, ChargeEvent.CANCEL},
        created_at=wire.time_of(payment.created_at),
    )


def instrument_of(
    instrument_id: str, card: Card, tokens: Sequence[Token]
) -> payments_pb2.Instrument:
    """What payments charges."""
    return payments_pb2.Instrument(
        instrument_id=instrument_id,
        brand=card.brand,
        country=card.country,
        tokens=[_token_pb(token) for token in tokens],
    )


def charge_request(
    *,
    amount: Money,
    order_reference: str,
    capture: CaptureMode,
    grace_seconds: int,
    customer_id: str,
    instrument_id: str,
    card: Card,
    tokens: Sequence[Token],
    return_url: str,
    metadata: Mapping[str, str],
    velocity_subjects: Sequence[str],
) -> bytes:
    """What payments will be asked, to be stored with the intent."""
    return payments_pb2.CreatePaymentRequest(
        amount=wire.money(amount),
        order_reference=order_reference,
        method=METHOD,
        instrument=instrument_of(instrument_id, card, tokens),
        capture=_CAPTURE[capture],
        capture_delay_seconds=grace_seconds,
        customer_id=customer_id,
        initiator=payments_pb2.INITIATOR_CUSTOMER,
        return_url=return_url,
        metadata=metadata,
        velocity_subjects=velocity_subjects,
    ).SerializeToString(deterministic=True)


def setup_request(
    *,
    psp_account: str,
    token: str,
    customer_id: str,
    email: str,
    return_url: str,
    psp_customer: str,
    velocity_subjects: Sequence[str],
) -> bytes:
    """What payments will be asked, to be stored with the intent."""
    return payments_pb2.SetUpInstrumentRequest(
        psp_account=psp_account,
        token=token,
        customer_id=customer_id,
        email=email,
        return_url=return_url,
        psp_customer=psp_customer,
        velocity_subjects=velocity_subjects,
    ).SerializeToString(deterministic=True)


def _token_pb(token: Token) -> payments_pb2.InstrumentToken:
    return payments_pb2.InstrumentToken(
        psp_account=token.psp_account, token=token.token, psp_customer=token.psp_customer
    )


class Payments:
    """Calls on behalf of the current call's merchant."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = payments_pb2_grpc.PaymentsServiceStub(channel)

    async def create_payment(self, charge: Charge) -> PaymentAnswer:
        """Charge, or learn what became of the charge: its id is the key.

        Raises RemoteRefusal for a certain no, OutcomeUnknown, IdempotencyKeyInUse.
        """
        request = payments_pb2.CreatePaymentRequest.FromString(charge.request or b"")
        request.sca_history.payments_since_challenge = charge.sca.payments
        request.sca_history.amount_since_challenge_minor = charge.sca.amount_minor
        answer = await client.move(
            self._stub.CreatePayment, request, timeout_seconds=MONEY_TIMEOUT_SECONDS, key=charge.id
        )
        return answer_of(answer.payment)

    async def get_payment(self, payment_id: str) -> PaymentAnswer:
        """The payment as it is now."""
        request = payments_pb2.GetPaymentRequest(payment_id=payment_id)
        answer = await client.call(
            self._stub.GetPayment, request, timeout_seconds=READ_TIMEOUT_SECONDS
        )
        return answer_of(answer.payment)

    async def payments_like(
        self, charge: Charge, *, created_from: datetime, created_to: datetime
    ) -> Sequence[PaymentAnswer]:
        """One-click payments of the same customer, order, instrument and amount; oldest first."""
        found: list[PaymentAnswer] = []
        request = payments_pb2.ListPaymentsRequest(
            limit=PAGE,
            order_reference=charge.order_reference,
            customer_id=charge.customer_id,
            created_from=wire.timestamp(created_from),
            created_to=wire.timestamp(created_to),
        )
        while True:
            answer = await client.call(
                self._stub.ListPayments, request, timeout_seconds=READ_TIMEOUT_SECONDS
            )
            found += [answer_of(payment) for payment in answer.data if _is_like(payment, charge)]
            if not answer.next_cursor:
                return found[::-1]
            request.cursor = answer.next_cursor

    async def cancel_payment(self, payment_id: str, *, key: str) -> PaymentAnswer:
        """Release the money. `key` is derived from the caller's key and the charge."""
        request = payments_pb2.CancelPaymentRequest(payment_id=payment_id)
        answer = await client.move(
            self._stub.CancelPayment, request, timeout_seconds=MONEY_TIMEOUT_SECONDS, key=key
        )
        return answer_of(answer.payment)

    async def lower_payment(self, payment_id: str, amount: Money, *, key: str) -> PaymentAnswer:
        """Lower what the delayed capture will take."""
        request = payments_pb2.LowerPaymentRequest(
            payment_id=payment_id,
            amount=money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency),
        )
        answer = await client.move(
            self._stub.LowerPayment, request, timeout_seconds=MONEY_TIMEOUT_SECONDS, key=key
        )
        return answer_of(answer.payment)

    async def set_up_instrument(self, instrument_id: str, request: bytes) -> SetUp:
        """Save a token at its PSP, or learn what became of it: the instrument's id is the key.

        psp_unavailable comes as a RemoteRefusal of kind UNAVAILABLE: it is not the end.
        """
        answer = await client.call(
            self._stub.SetUpInstrument,
            payments_pb2.SetUpInstrumentRequest.FromString(request),
            timeout_seconds=MONEY_TIMEOUT_SECONDS,
            idempotency_key=instrument_id,
        )
        asked = payments_pb2.SetUpInstrumentRequest.FromString(request)
        return SetUp(
            card=Card(
                brand=answer.brand,
                last4=answer.last4,
                exp_month=answer.exp_month,
                exp_year=answer.exp_year,
                country=answer.country,
                fingerprint=answer.fingerprint,
            ),
            token=Token(asked.psp_account, answer.token, answer.psp_customer),
            next_action_url=answer.next_action.url,
        )

    async def remove_instrument(self, psp_account: str, token: str) -> None:
        """Let the PSP forget a token; doing it again changes nothing."""
        request = payments_pb2.RemoveInstrumentRequest(psp_account=psp_account, token=token)
        await client.call(
            self._stub.RemoveInstrument, request, timeout_seconds=MONEY_TIMEOUT_SECONDS
        )


def _is_like(payment: payments_pb2.Payment, charge: Charge) -> bool:
    return (
        payment.method == METHOD
        and payment.instrument_id == charge.instrument_id
        and wire.money_of(payment.amount) == charge.amount
    )
