"""The intent of a payment, and what happens if something blocks it.

The normal path is one statement. Everything else here handles attempts after too many declined
cards, which are refused, and second payments of an order, which are refused or created according to
the merchant's policy, and always reported.
"""

from dataclasses import dataclass, replace
from typing import Final

from libs import outbox
from libs.db import Conn
from libs.errors import ServiceUnavailable
from libs.idempotency import Claim, Key
from services.payments import events, metrics
from services.payments.deps import Deps
from services.payments.errors import OrderAlreadyPaid, TooManyDeclines
from services.payments.rules import retry, velocity
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.orders import DuplicatePolicy
from services.payments.store import intents, payments
from services.payments.store.intents import Barred, First, OtherPaymentError

LOOKS: Final = 10  # another payment of the order may be written in the meantime


@dataclass(frozen=True, slots=True)
class Written:
    """The claim of the key, and the payment as written if the claim is fresh."""

    claim: Claim
    payment: Payment


async def write_intent(deps: Deps, key: Key | None, payment: Payment, attempt: Attempt) -> Written:
    """Raises OrderAlreadyPaid and TooManyDeclines, which leave the key unused, and the errors of
    idempotency.claim.
    """
    for _ in range(LOOKS):
        try:
            async with deps.db.connection() as conn:
                found = await intents.claim_and_insert(
                    conn, key, payment, attempt, ask_in=retry.CALL_FOR
                )
        except OtherPaymentError:
            continue  # now it is visible
        match found:
            case Claim():
                return Written(found, payment)
            case Barred():
                raise TooManyDeclines(velocity.kind_of(found.subject))
            case First():
                return await _beside(deps, key, payment, attempt, found)
    raise ServiceUnavailable


async def _beside(
    deps: Deps, key: Key | None, payment: Payment, attempt: Attempt, first: First
) -> Written:
    """Refuses or writes a second payment of an order, according to the merchant's policy."""
    policy = (await deps.routing_cache.of(payment.merchant_id)).policy
    metrics.DUPLICATES.labels(policy.value).inc()
    marked = policy is DuplicatePolicy.FLAG
    second = replace(payment, duplicate_of=first.id) if marked else payment
    async with deps.db.transaction() as tx:
        if policy is DuplicatePolicy.REFUSE:
            await _publish(tx, deps, first, second, policy)
        else:
            found = await intents.claim_and_insert(
                tx, key, second, attempt, ask_in=retry.CALL_FOR, beside=True
            )
            if isinstance(found, Barred):
                raise TooManyDeclines(velocity.kind_of(found.subject))
            assert isinstance(found, Claim)
            if found.fresh:
                await _publish(tx, deps, first, second, policy)
            return Written(found, second)
    raise OrderAlreadyPaid(first.id, first.state.value)


async def _publish(
    tx: Conn, deps: Deps, first: First, second: Payment, policy: DuplicatePolicy
) -> None:
    known = await payments.get(tx, second.merchant_id, first.id)
    assert known is not None  # payments are never deleted
    event = events.duplicate_found(known, second, policy)
    await outbox.append(tx, outbox.event_of(known, event, deps.clock.now()))
