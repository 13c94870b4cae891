"""Calls to payments. Keys are ids of the caller's own rows, so a repeat is the same payment."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from incasso.payments.v1 import payments_pb2, payments_pb2_grpc
from libs import client, deadlines, wire
from libs.errors import IdempotencyKeyInUse, OutcomeUnknown, RemoteRefusal
from libs.payments.answer import Advice, Answer, Decline, Intent, Outcome
from libs.payments.certain import KeyKnown, move
from libs.seal import Seal, SealBrokenError

M = TypeVar("M", bound=Message)

NOT_FOUND: Final = "payment_not_found"

_State = payments_pb2.Payment
_OUTCOMES: Final[Mapping[int, Outcome]] = {
    _State.STATE_PROCESSING: Outcome.WAIT,
    _State.STATE_REQUIRES_ACTION: Outcome.WAIT,
    _State.STATE_PENDING: Outcome.WAIT,
    _State.STATE_AUTHORISED: Outcome.SUCCEED,
    _State.STATE_CAPTURED: Outcome.SUCCEED,
    _State.STATE_PARTIALLY_REFUNDED: Outcome.SUCCEED,
    _State.STATE_REFUNDED: Outcome.SUCCEED,
    _State.STATE_DECLINED: Outcome.DECLINE,
    _State.STATE_CANCELLED: Outcome.CANCEL,
}
_ADVICE: Final = wire.members(Advice, payments_pb2.Decline.Advice)


def answer_of(payment: payments_pb2.Payment) -> Answer:
    """Raises OutcomeUnknown for a state that this version does not know."""
    outcome = _OUTCOMES.get(payment.state)
    if outcome is None:
        raise OutcomeUnknown
    action, decline = payment.next_action, payment.decline
    challenged = payment.state == _State.STATE_REQUIRES_ACTION
    return Answer(
        id=payment.id,
        key=payment.caller_key,
        state=_State.State.Name(payment.state).removeprefix("STATE_").lower(),
        outcome=outcome,
        capturable_minor=payment.capturable_minor,
        capture_at=wire.time_of(payment.capture_at) if payment.HasField("capture_at") else None,
        next_action_type=action.type if challenged else None,
        next_action_url=action.url if challenged else None,
        decline=_decline_of(decline) if payment.HasField("decline") else None,
        message=payment,
    )


def _decline_of(decline: payments_pb2.Decline) -> Decline:
    psp_code, advice = decline.psp_code or None, _ADVICE.get(decline.advice)
    return Decline(decline.code, decline.message, psp_code, advice)


class Payments:
    """Calls on behalf of the current call's merchant; services add the calls that only they make.

    `seal` protects the stored requests of intents, whose tokens can charge a card.
    """

    def __init__(self, channel: grpc.aio.Channel, seal: Seal) -> None:
        self._stub = payments_pb2_grpc.PaymentsServiceStub(channel)
        self._seal = seal

    def sealed(self, request: Message) -> bytes:
        """The request to payments, to be stored with the intent."""
        return self._seal.close_bytes(request.SerializeToString(deterministic=True))

    async def create(self, intent: Intent) -> Answer:
        """Takes the money, or learns the outcome. Raises as `move`.

        A request that can no longer be opened (a lost key, another version's) is not sent: the
        payment is looked up by the key.
        """
        request = self._opened(intent)
        if request is not None:
            try:
                answer = await move(self._stub.CreatePayment, request, key=intent.key)
                return answer_of(answer.payment)
            except KeyKnown:
                pass
        found = await self.find(intent.key)
        if found is None:
            raise OutcomeUnknown
        return found

    def opened(self, kind: type[M], sealed: bytes | None) -> M | None:
        """A request that was `sealed`; None if it can no longer be opened."""
        if sealed is None:
            return None
        try:
            return kind.FromString(self._seal.open_bytes(sealed))
        except (SealBrokenError, DecodeError):
            return None

    def _opened(self, intent: Intent) -> payments_pb2.CreatePaymentRequest | None:
        request = self.opened(payments_pb2.CreatePaymentRequest, intent.request)
        if request is not None and intent.sca is not None:
            request.sca_history.payments_since_challenge = intent.sca.payments
            request.sca_history.amount_since_challenge_minor = intent.sca.amount_minor
        return request

    async def get(self, payment_id: str) -> Answer:
        """The payment's current state."""
        request = payments_pb2.GetPaymentRequest(payment_id=payment_id)
        return answer_of((await self._read(self._stub.GetPayment, request)).payment)

    async def find(self, key: str) -> Answer | None:
        """The payment created under `key`. None: no call has begun yet."""
        request = payments_pb2.GetPaymentByKeyRequest(key=key)
        try:
            answer = await self._read(self._stub.GetPaymentByKey, request)
        except RemoteRefusal as refusal:
            if refusal.reason == NOT_FOUND:
                return None
            raise
        return answer_of(answer.payment)

    async def close(self, key: str) -> Answer | None:
        """The payment created under `key`. None: there is none, and never will be."""
        request = payments_pb2.ClosePaymentKeyRequest(key=key)
        answer = await self._read(self._stub.ClosePaymentKey, request)
        return answer_of(answer.payment) if answer.HasField("payment") else None

    async def cancel(self, payment_id: str, *, key: str) -> Answer:
        """Releases the money, or abandons an open challenge. Raises as `move`."""
        request = payments_pb2.CancelPaymentRequest(payment_id=payment_id)
        return answer_of((await move(self._stub.CancelPayment, request, key=key)).payment)

    async def cancel_or_get(self, payment_id: str, *, key: str) -> Answer:
        """Cancels; if that is impossible, returns the state that says why. Raises RemoteRefusal,
        ServiceUnavailable.
        """
        try:
            return await self.cancel(payment_id, key=key)
        except (RemoteRefusal, IdempotencyKeyInUse):
            return await self.get(payment_id)

    async def _read(self, method: Any, request: Message) -> Any:
        return await client.call(method, request, timeout_seconds=deadlines.READ)
