"""What captures, cancellations and refunds share: reserve, commit, ask, record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from libs import idempotency
from libs.db import unique
from libs.errors import Refusal, required
from libs.idempotency import Key
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.flows import calling
from services.payments.flows.record import Answer, Recorded, answer_again, record_outcome
from services.payments.rules import retry
from services.payments.rules.domain import Attempt, Payment
from services.payments.store import attempts, payments

Start: TypeAlias = Callable[[Payment, str], tuple[Payment, Attempt]]  # payment, attempt's id


@dataclass(frozen=True, slots=True)
class Target:
    """Which payment, and the key of the call (None: a worker's)."""

    merchant_id: str
    payment_id: str
    key: Key | None = None


async def run(
    deps: Deps, target: Target, start: Start, *, prefix: str, busy: type[Refusal]
) -> Recorded | Answer:
    """`start` reserves or refuses; `busy` is raised when another capture or cancel is open."""
    with unique(attempts_one_ending=busy):
        async with deps.db.transaction() as tx:
            claim = await idempotency.claim(
                tx, target.key, deps.new_id(prefix), lock=retry.CALL_FOR
            )
            if claim.fresh:
                before = required(
                    await payments.lock(tx, target.merchant_id, target.payment_id), PaymentNotFound
                )
                reserved, attempt = start(before, claim.resource_id)
                payment = await payments.save_locked(tx, before, reserved)
                await attempts.insert(tx, attempt, ask_in=retry.CALL_FOR)
    if not claim.fresh:
        return await answer_again(deps, target.merchant_id, claim, target.key)
    outcome = await calling.perform(deps, payment, attempt)
    return await record_outcome(deps, payment, attempt, outcome, key=target.key)


def answer_of(result: Recorded | Answer) -> Answer:
    return result.payment if isinstance(result, Recorded) else result
