"""Resolves PSP calls without an outcome: lost answers, crashed processes."""

from datetime import timedelta

from libs import telemetry
from libs.logs import log
from services.payments.deps import Deps
from services.payments.flows import calling
from services.payments.flows.create import take_money
from services.payments.flows.late_approvals import recheck_charge
from services.payments.flows.record import record_outcome
from services.payments.rules import retry
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.outcomes import (
    ActionRequired,
    DeclineCode,
    Declined,
    NotFound,
    Outcome,
    Pending,
    Unknown,
)
from services.payments.rules.retry import WhenUnknown
from services.payments.rules.states import ATTEMPT_SETTLED, AttemptState
from services.payments.store import attempts, payments
from services.payments.store.attempts import DueAttempt


async def recover_attempt(deps: Deps, due: DueAttempt) -> None:
    """Asks the PSP by our key; settles, repeats under the same key, or asks again later."""
    async with deps.db.connection() as conn:
        payment = await payments.get(conn, due.attempt.merchant_id, due.attempt.payment_id)
        attempt = await attempts.get(conn, due.attempt.merchant_id, due.attempt.id)
    if payment is None or attempt is None or not attempt.watched:
        return
    with telemetry.span("recover attempt", links=(payment.traceparent,)):
        if attempt.state in ATTEMPT_SETTLED:
            await recheck_charge(deps, payment, attempt)
            return
        outcome = await _truth(deps, payment, attempt, due.age)
        if _changes_nothing(attempt, outcome):
            await _ask_later(deps, attempt, outcome, due.age)
            return
        recorded = await record_outcome(deps, payment, attempt, outcome)
        log.info("attempt recovered", attempt_id=attempt.id, outcome=type(outcome).__name__)
        if recorded.next_attempt is not None:
            await take_money(deps, recorded.payment, recorded.next_attempt)


async def _truth(deps: Deps, payment: Payment, attempt: Attempt, age: timedelta) -> Outcome:
    outcome = await calling.look_up(deps, payment, attempt)
    if not isinstance(outcome, NotFound):
        return outcome
    match retry.when_not_found(attempt.kind, attempt.state, age):
        case WhenUnknown.REPEAT:
            return await calling.perform(deps, payment, attempt)
        case WhenUnknown.GIVE_UP:
            return Declined(
                DeclineCode.PSP_UNAVAILABLE, "The PSP was not reachable; nothing was charged."
            )
        case WhenUnknown.WAIT:
            return Unknown("the PSP has no record of it, but may still process it")


def _changes_nothing(attempt: Attempt, outcome: Outcome) -> bool:
    match outcome:
        case Unknown():
            return attempt.state is not AttemptState.STARTED
        case ActionRequired():
            return attempt.state is AttemptState.ACTION_REQUIRED
        case Pending():
            return attempt.state is AttemptState.PENDING
        case _:
            return False


async def _ask_later(deps: Deps, attempt: Attempt, outcome: Outcome, age: timedelta) -> None:
    unresolved = isinstance(outcome, Unknown) and age > retry.UNRESOLVED_AFTER
    if unresolved:
        log.error("attempt is unresolved", attempt_id=attempt.id, payment_id=attempt.payment_id)
    pause = retry.ask_again_in(attempt.state, attempt.recovery_tries) or retry.LONGEST_PAUSE
    async with deps.db.connection() as conn:
        await attempts.postpone(conn, attempt, ask_in=pause, unresolved=unresolved)
