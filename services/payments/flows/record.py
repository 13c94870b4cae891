"""Recording an outcome: attempt, payment, event and answer in one transaction.

Written first for what the caller saw; when somebody else was faster (a webhook, recovery, another
replica), again under the payment's lock and from its state by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from libs import idempotency, outbox
from libs.db import Conn
from libs.idempotency import Key
from services.payments import metrics, retry
from services.payments.deps import Deps
from services.payments.domain import Attempt, Happened, Payment
from services.payments.errors import PaymentNotFound
from services.payments.events import Told
from services.payments.outcomes import Outcome
from services.payments.settling import Change, settle
from services.payments.states import AttemptKind, AttemptState, State
from services.payments.store import attempts, payments

_OPEN: Final = frozenset({AttemptState.STARTED, AttemptState.UNKNOWN})


class OvertakenError(Exception):
    """The payment or the attempt is not any more what it was."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """As saved. `next_attempt` is written too; who recorded it sends it."""

    payment: Payment
    attempt: Attempt
    next_attempt: Attempt | None = None


async def record_outcome(
    deps: Deps,
    payment: Payment,
    attempt: Attempt,
    outcome: Outcome,
    *,
    key: Key | None = None,
    may_go_on: bool = True,
) -> Recorded:
    """`key`: of the call that waits for this outcome; its answer is stored with it."""
    change = _settle(deps, payment, attempt, outcome, may_go_on=may_go_on)
    try:
        async with deps.db.transaction() as tx:
            recorded = await write(tx, deps, (payment, attempt), change, key=key)
    except OvertakenError:
        async with deps.db.transaction() as tx:
            before = await lock(tx, attempt)
            change = _settle(deps, *before, outcome, may_go_on=may_go_on)
            recorded = await write(tx, deps, before, change, key=key)
    count(change)
    return recorded


async def lock(tx: Conn, attempt: Attempt) -> tuple[Payment, Attempt]:
    """Payment and attempt as they are, nobody else's until the end of the transaction."""
    payment = await payments.lock(tx, attempt.merchant_id, attempt.payment_id)
    now_is = await attempts.get(tx, attempt.merchant_id, attempt.id)
    if payment is None or now_is is None:
        raise PaymentNotFound
    return payment, now_is


async def write(
    tx: Conn,
    deps: Deps,
    before: tuple[Payment, Attempt],
    change: Change,
    *,
    key: Key | None = None,
) -> Recorded:
    """Raises OvertakenError, which must roll the transaction back."""
    payment = await _save(tx, before, change) if change.changed else before[0]
    if change.next_attempt is not None:
        await attempts.insert(tx, change.next_attempt, ask_in=retry.CALL_FOR)
    told = await tell(tx, deps, payment, change.happened)
    recorded = Recorded(payment, change.attempt, change.next_attempt)
    if key is not None and recorded.next_attempt is None:
        await _finish_key(tx, key, recorded, told)
    return recorded


async def _save(tx: Conn, before: tuple[Payment, Attempt], change: Change) -> Payment:
    saved = await payments.save_settled(
        tx,
        (before[0], before[1].state),
        (change.payment, change.attempt),
        ask_in=retry.ask_again_in(change.attempt.state, change.attempt.recovery_tries),
    )
    if saved is None:
        raise OvertakenError
    return saved


async def tell(tx: Conn, deps: Deps, payment: Payment, happened: Sequence[Happened]) -> Told:
    """Events into the outbox."""
    told = Told(payment)
    for each in happened:
        subject, body = told.event(each)
        await outbox.append(
            tx,
            merchant_id=payment.merchant_id,
            aggregate_id=payment.id,
            subject=subject,
            body=body,
            at=deps.clock.now(),
        )
    return told


async def _finish_key(tx: Conn, key: Key, recorded: Recorded, told: Told) -> None:
    """A repeat gets this answer for ever, or, while it is not final, the state as it is by then."""
    if is_final_answer(recorded.payment, recorded.attempt):
        await idempotency.complete(tx, key, told.answer())
    else:
        await idempotency.release(tx, key)


def is_final_answer(payment: Payment, attempt: Attempt) -> bool:
    """Whether the call that made the attempt has its answer. A refused cancel is a refusal."""
    match attempt.kind:
        case AttemptKind.AUTHORISE:
            return payment.state is not State.PROCESSING
        case AttemptKind.CANCEL:
            return attempt.state not in {*_OPEN, AttemptState.DECLINED}
        case AttemptKind.CAPTURE | AttemptKind.REFUND:
            return attempt.state not in _OPEN
        case _:
            assert_never(attempt.kind)


def _settle(
    deps: Deps, payment: Payment, attempt: Attempt, outcome: Outcome, *, may_go_on: bool
) -> Change:
    return settle(
        payment,
        attempt,
        outcome,
        now=deps.clock.now(),
        next_attempt_id=deps.new_id("att"),
        may_go_on=may_go_on,
    )


def count(change: Change) -> None:
    """Metrics, after the commit."""
    psp = next(
        (
            candidate.psp
            for candidate in change.payment.candidates
            if candidate.psp_account_id == change.attempt.psp_account_id
        ),
        "",
    )
    for each in change.happened:
        metrics.PAYMENTS.labels(each.fact.value, psp).inc()
    if change.next_attempt is not None:
        metrics.FAIL_OVERS.labels(psp).inc()
