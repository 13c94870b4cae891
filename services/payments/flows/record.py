"""Records an outcome: attempt, payment, event and answer at once.

Tries first against the state that the caller saw; if somebody else was faster (a webhook, recovery,
another replica), again under the payment's lock and from its new state.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Final, assert_never

from libs import context, idempotency, outbox
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Claim, Key
from libs.outbox import NewEvent
from libs.payments import routes
from services.payments import metrics
from services.payments.deps import Deps
from services.payments.errors import PaymentNotCancellable, PaymentNotFound
from services.payments.events import PaymentMessages, card_testing_alarms
from services.payments.rules import retry, velocity
from services.payments.rules.domain import Attempt, Happened, Payment
from services.payments.rules.outcomes import Outcome
from services.payments.rules.settling import settle
from services.payments.rules.states import AttemptKind, AttemptState, State
from services.payments.rules.transitions import Change
from services.payments.rules.velocity import Count
from services.payments.store import attempts, payments, recording
from services.payments.store import velocity as velocity_store
from services.payments.store.recording import Following

_OPEN: Final = frozenset({AttemptState.STARTED, AttemptState.UNKNOWN})


class OvertakenError(Exception):
    """The payment or the attempt has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """As saved. `next_attempt` is written too; the caller sends it."""

    messages: PaymentMessages
    attempt: Attempt
    next_attempt: Attempt | None = None

    @property
    def payment(self) -> Payment:
        return self.messages.payment


async def record_outcome(
    deps: Deps,
    payment: Payment,
    attempt: Attempt,
    outcome: Outcome,
    *,
    key: Key | None = None,
    may_go_on: bool = True,
) -> Recorded:
    """`key`: the key of the call that waits for this outcome; the answer is stored under it."""
    following = deps.new_id("att") if may_go_on else None
    change = settle(payment, attempt, outcome, now=deps.clock.now(), next_attempt_id=following)
    try:
        async with _enough_for(deps, change) as conn:
            recorded = await write(conn, deps, (payment, attempt), change, key=key)
    except OvertakenError:
        async with deps.db.transaction() as tx:
            before = await lock(tx, attempt)
            change = settle(*before, outcome, now=deps.clock.now(), next_attempt_id=following)
            recorded = await write(tx, deps, before, change, key=key)
    count(change)
    return recorded


def _enough_for(deps: Deps, change: Change) -> AbstractAsyncContextManager[Conn]:
    """A single statement commits by itself; if another call or look-up follows, a transaction is needed."""
    alone = change.next_attempt is None and not change.recheck
    return deps.db.connection() if alone else deps.db.transaction()


async def lock(tx: Conn, attempt: Attempt) -> tuple[Payment, Attempt]:
    """Locks and reads payment and attempt until the end of the transaction."""
    payment = await payments.lock(tx, attempt.merchant_id, attempt.payment_id)
    now_is = await attempts.get(tx, attempt.merchant_id, attempt.id)
    if payment is None or now_is is None:
        raise PaymentNotFound
    return payment, now_is


async def write(
    conn: Conn,
    deps: Deps,
    before: tuple[Payment, Attempt],
    change: Change,
    *,
    key: Key | None = None,
) -> Recorded:
    """One statement, plus one for a next attempt or look-up, which needs a transaction.

    Raises OvertakenError without writing anything.
    """
    if not change.changed:
        await _recheck(conn, change)
        recorded = Recorded(PaymentMessages(before[0]), change.attempt)
        if key is not None:
            await idempotency.finish(conn, key, _answer(recorded))
        return recorded
    payment = replace(change.payment, version=before[0].version + 1)
    recorded = Recorded(PaymentMessages(payment), change.attempt, change.next_attempt)
    finished = key if change.next_attempt is None else None
    counts = velocity.counts(before[0], payment)
    following = Following(
        now=deps.clock.now(),
        events=_events(deps, recorded.messages, change.happened),
        counts=counts,
        alarms=_alarms(deps, payment, counts),
        key=finished,
        answer=_answer(recorded) if finished else None,
        ask_in=retry.ask_again_in(change.attempt.state, change.attempt.recovery_tries),
    )
    expected = (before[0], before[1].state)
    if not await recording.save(conn, expected, (payment, change.attempt), following):
        raise OvertakenError
    if change.next_attempt is not None:
        await attempts.insert(conn, change.next_attempt, ask_in=retry.CALL_FOR)
    await _recheck(conn, change)
    return recorded


async def record_external(tx: Conn, deps: Deps, before: Payment, change: Change) -> None:
    """Records what others did at the PSP, as an attempt of its own. `before` is locked."""
    if not change.changed:
        return
    ask_in = retry.ask_again_in(change.attempt.state, change.attempt.recovery_tries)
    await attempts.insert(tx, change.attempt, ask_in=ask_in)
    saved = before
    if change.payment != before:
        saved = await payments.save_locked(tx, before, change.payment)
    if counts := velocity.counts(before, saved):
        alarms, now = _alarms(deps, saved, counts), deps.clock.now()
        await velocity_store.count(tx, saved.merchant_id, counts, alarms, now)
    await append_events(tx, deps, saved, change.happened)
    await _recheck(tx, change)


async def _recheck(conn: Conn, change: Change) -> None:
    if change.recheck:
        await attempts.recheck(conn, change.payment, change.attempt)


async def append_events(
    tx: Conn, deps: Deps, payment: Payment, happened: Sequence[Happened]
) -> None:
    """Writes events into the outbox."""
    await outbox.append(tx, *_events(deps, PaymentMessages(payment), happened))


def _events(
    deps: Deps, messages: PaymentMessages, happened: Sequence[Happened]
) -> Sequence[NewEvent]:
    payment, now = messages.payment, deps.clock.now()
    route = routes.of(payment.method, saved=bool(payment.instrument_id))
    events = [outbox.event_of(payment, messages.event(each), now) for each in happened]
    return [replace(event, route=route) for event in events]


def _alarms(deps: Deps, payment: Payment, counts: Sequence[Count]) -> Sequence[NewEvent]:
    declined = [count.limited for count in counts if count.declines]
    return card_testing_alarms(payment.merchant_id, declined, deps.clock.now(), payment)


def _answer(recorded: Recorded) -> bytes | None:
    """The answer that every replay gets; None while it is not final: replays get the current
    state.
    """
    is_final = is_final_answer(recorded.payment, recorded.attempt)
    return recorded.messages.answer if is_final else None


def is_refused_cancel(attempt: Attempt) -> bool:
    """Whether it is a cancellation to answer with a refusal, not with a payment."""
    return attempt.kind is AttemptKind.CANCEL and attempt.state is AttemptState.DECLINED


def is_final_answer(payment: Payment, attempt: Attempt) -> bool:
    """Whether the call that made the attempt has its final answer."""
    match attempt.kind:
        case AttemptKind.AUTHORISE:
            return payment.state is not State.PROCESSING
        case AttemptKind.CANCEL:
            return attempt.state not in _OPEN and not is_refused_cancel(attempt)
        case AttemptKind.CAPTURE | AttemptKind.REFUND:
            return attempt.state not in _OPEN
        case _:
            assert_never(attempt.kind)


def count(change: Change) -> None:
    """Metrics, after the commit."""
    account, candidates = change.attempt.psp_account_id, change.payment.candidates
    psp = next((each.psp for each in candidates if each.psp_account_id == account), "")
    for each in change.happened:
        metrics.PAYMENTS.labels(each.fact.value, psp).inc()
    if change.next_attempt is not None:
        metrics.FAIL_OVERS.labels(psp).inc()


async def answer_again(deps: Deps, claim: Claim, key: Key | None) -> bytes:
    """`claim` is not fresh; its resource is a payment, or the attempt of an operation."""
    if claim.answer is not None:
        return claim.answer
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        attempt = await attempts.get(tx, merchant_id, claim.resource_id)
        payment_id = attempt.payment_id if attempt else claim.resource_id
        payment = required(await payments.get(tx, merchant_id, payment_id), PaymentNotFound)
        final = (
            is_final_answer(payment, attempt) if attempt else payment.state is not State.PROCESSING
        )
        messages = PaymentMessages(payment)
        await idempotency.finish(tx, key, messages.answer if final else None)
    if attempt and is_refused_cancel(attempt):
        raise PaymentNotCancellable
    return messages.answer
