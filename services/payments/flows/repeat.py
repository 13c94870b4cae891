"""A repeated call under a key that was used before: the stored answer, or the state as it is now."""

from typing import TypeAlias

from libs import idempotency
from libs.idempotency import Claim, Key
from services.payments.deps import Deps
from services.payments.errors import PaymentNotCancellable, PaymentNotFound
from services.payments.events import Told
from services.payments.flows.record import is_final_answer
from services.payments.rules.domain import Payment
from services.payments.rules.states import AttemptKind, AttemptState, State
from services.payments.store import attempts, payments

Answer: TypeAlias = Payment | bytes  # bytes: the protobuf payment as it was answered before


async def answer_again(deps: Deps, merchant_id: str, claim: Claim, key: Key | None) -> Answer:
    """`claim` is not fresh; its resource is a payment, or the attempt of an operation."""
    if claim.answer is not None:
        return claim.answer
    async with deps.db.transaction() as tx:
        attempt = await attempts.get(tx, merchant_id, claim.resource_id)
        payment_id = attempt.payment_id if attempt else claim.resource_id
        payment = await payments.get(tx, merchant_id, payment_id)
        if payment is None:
            raise PaymentNotFound
        final = (
            is_final_answer(payment, attempt) if attempt else payment.state is not State.PROCESSING
        )
        if final:
            await idempotency.finish(tx, key, Told(payment).answer())
        else:
            await idempotency.release(tx, key)
    if attempt and attempt.kind is AttemptKind.CANCEL and attempt.state is AttemptState.DECLINED:
        raise PaymentNotCancellable
    return payment
