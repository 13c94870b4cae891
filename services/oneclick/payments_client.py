"""Calls from oneclick to payments: the charge of a click, its lowering, and instruments."""

from collections.abc import Mapping, Sequence
from typing import Final

from incasso.payments.v1 import payments_pb2
from libs import client, context, deadlines, wire
from libs.errors import OutcomeUnknown
from libs.money import Money
from libs.payments.answer import Answer, Outcome
from libs.payments.certain import move
from libs.payments.client import Payments as AskedPayments
from libs.payments.client import answer_of
from services.oneclick.rules.domain import Charge, OtherMethodPayment
from services.oneclick.rules.instruments import Card, SetUp, Token

METHOD: Final = "one_click"


def other_method_payment_of(payment: payments_pb2.Payment) -> OtherMethodPayment:
    """A payment by another method. Raises OutcomeUnknown for a state that this version does not
    know.
    """
    answer = answer_of(payment)
    return wire.read(
        OtherMethodPayment,
        payment,
        merchant_id=context.merchant_id(),
        payment_id=payment.id,
        challenged=answer.challenged,
        succeeded=answer.outcome is Outcome.SUCCEED,
        failed=answer.outcome in {Outcome.DECLINE, Outcome.CANCEL},
    )


def instrument_of(
    instrument_id: str, card: Card, tokens: Sequence[Token]
) -> payments_pb2.Instrument:
    """The instrument for payments to charge."""
    messages = [wire.message(payments_pb2.InstrumentToken, token) for token in tokens]
    return payments_pb2.Instrument(
        instrument_id=instrument_id,
        brand=card.brand,
        last4=card.last4[-4:],
        country=card.country,
        tokens=messages,
    )


def charge_request(
    charge: Charge,
    *,
    instrument: payments_pb2.Instrument,
    grace_seconds: int,
    return_url: str,
    metadata: Mapping[str, str],
    velocity_subjects: Sequence[str],
) -> payments_pb2.CreatePaymentRequest:
    """The request to payments."""
    return wire.message(
        payments_pb2.CreatePaymentRequest,
        charge,
        method=METHOD,
        instrument=instrument,
        capture_delay_seconds=grace_seconds,
        initiator=payments_pb2.INITIATOR_CUSTOMER,
        return_url=return_url,
        metadata=metadata,
        velocity_subjects=velocity_subjects,
    )


def setup_request(
    attach: object, *, email: str | None, psp_customer: str, velocity_subjects: Sequence[str]
) -> payments_pb2.SetUpInstrumentRequest:
    """The request to payments for an AttachInstrument."""
    return wire.message(
        payments_pb2.SetUpInstrumentRequest,
        attach,
        email=email,
        psp_customer=psp_customer,
        velocity_subjects=velocity_subjects,
    )


class Payments(AskedPayments):
    """Calls on behalf of the current call's merchant."""

    async def lower_payment(self, payment_id: str, amount: Money, *, key: str) -> Answer:
        """Lowers the delayed capture."""
        request = payments_pb2.LowerPaymentRequest(payment_id=payment_id, amount=wire.money(amount))
        return answer_of((await move(self._stub.LowerPayment, request, key=key)).payment)

    async def set_up_instrument(self, instrument_id: str, sealed: bytes) -> SetUp:
        """Saves a token at its PSP, or returns the earlier outcome: the instrument's id is the key.

        Not final: psp_unavailable, a RemoteRefusal of kind UNAVAILABLE; and OutcomeUnknown, for a
        request that can no longer be unsealed.
        """
        asked = self.opened(payments_pb2.SetUpInstrumentRequest, sealed)
        if asked is None:
            raise OutcomeUnknown
        answer = await client.call(
            self._stub.SetUpInstrument,
            asked,
            timeout_seconds=deadlines.MONEY,
            idempotency_key=instrument_id,
        )
        token = wire.read(Token, answer, psp_account=asked.psp_account)
        return SetUp(wire.read(Card, answer), token, next_action_url=answer.next_action.url)

    async def remove_instrument(self, psp_account: str, token: str) -> None:
        """Lets the PSP delete a token; repeating it changes nothing."""
        request = payments_pb2.RemoveInstrumentRequest(psp_account=psp_account, token=token)
        await client.call(self._stub.RemoveInstrument, request, timeout_seconds=deadlines.MONEY)
