"""What oneclick asks payments: the charge of a click, its lowering, and instruments."""

from collections.abc import Mapping, Sequence
from typing import Final

from incasso.payments.v1 import payments_pb2
from libs import client, context, deadlines, wire
from libs.money import Money
from libs.payments.answer import Answer, Outcome
from libs.payments.client import Payments as AskedPayments
from libs.payments.client import answer_of, move
from services.oneclick.rules.domain import CaptureMode, PaymentElsewhere
from services.oneclick.rules.instruments import Card, SetUp, Token

METHOD: Final = "one_click"
_CAPTURE: Final = wire.numbers(CaptureMode, payments_pb2.CaptureMode)


def elsewhere_of(payment: payments_pb2.Payment) -> PaymentElsewhere:
    """A payment by another method. OutcomeUnknown for a state that this version does not know."""
    told = answer_of(payment)
    return PaymentElsewhere(
        merchant_id=context.merchant_id(),
        payment_id=payment.id,
        instrument_id=payment.instrument_id,
        amount=wire.money_of(payment.amount),
        challenged=told.challenged,
        succeeded=told.outcome is Outcome.SUCCEED,
        failed=told.outcome in {Outcome.DECLINE, Outcome.CANCEL},
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
) -> payments_pb2.CreatePaymentRequest:
    """What payments will be asked."""
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
    )


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


class Payments(AskedPayments):
    """Calls on behalf of the current call's merchant."""

    async def lower_payment(self, payment_id: str, amount: Money, *, key: str) -> Answer:
        """Lower what the delayed capture will take."""
        request = payments_pb2.LowerPaymentRequest(
            payment_id=payment_id,
            amount=wire.money(amount),
        )
        return answer_of((await move(self._stub.LowerPayment, request, key=key)).payment)

    async def set_up_instrument(self, instrument_id: str, request: bytes) -> SetUp:
        """Save a token at its PSP, or learn what became of it: the instrument's id is the key.

        psp_unavailable comes as a RemoteRefusal of kind UNAVAILABLE: it is not the end.
        """
        answer = await client.call(
            self._stub.SetUpInstrument,
            payments_pb2.SetUpInstrumentRequest.FromString(request),
            timeout_seconds=deadlines.MONEY,
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
        await client.call(self._stub.RemoveInstrument, request, timeout_seconds=deadlines.MONEY)
