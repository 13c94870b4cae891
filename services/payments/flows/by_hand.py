"""An operator settles an attempt whose outcome the PSP does not report, after checking there."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs import context, outbox, telemetry
from libs.db import Conn
from libs.errors import required
from libs.logs import log
from services.payments import events
from services.payments.deps import Deps
from services.payments.errors import AttemptNotFound
from services.payments.flows import record
from services.payments.rules import by_hand
from services.payments.rules.by_hand import Found
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.settling import settle
from services.payments.rules.states import ATTEMPT_SETTLED
from services.payments.store import attempts, operator_actions
from services.payments.store.operator_actions import OperatorAction


@dataclass(frozen=True, slots=True)
class SettleAttempt:
    attempt_id: str
    outcome: Found
    operator: str
    note: str
    psp_reference: str


async def settle_attempt(deps: Deps, cmd: SettleAttempt) -> Payment:
    """Raises AttemptNotFound, AttemptNotUnresolved and AttemptSettledOtherwise. Repeating the
    outcome changes nothing.
    """
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        attempt = required(await attempts.get(tx, merchant_id, cmd.attempt_id), AttemptNotFound)
        payment, attempt = await record.lock(tx, attempt)
        before = await operator_actions.of_attempt(tx, merchant_id, cmd.attempt_id)
        if not by_hand.check(attempt, cmd.outcome, before.outcome if before else None):
            return payment
        payment = await _settle(tx, deps, payment, attempt, cmd)
        await _note(tx, deps, payment, attempt, cmd)
    log.warning(
        "attempt settled by hand",
        attempt_id=attempt.id,
        payment_id=payment.id,
        kind=attempt.kind.value,
    )
    return payment


async def _settle(
    tx: Conn, deps: Deps, payment: Payment, attempt: Attempt, cmd: SettleAttempt
) -> Payment:
    """Settles it. If it has an outcome, it was watched because of a late approval, which the
    operator has dealt with at the PSP: then it only stops being watched.
    """
    if attempt.state in ATTEMPT_SETTLED:
        await attempts.rest(tx, attempt)
        return payment
    outcome = by_hand.outcome_of(payment, attempt, cmd.outcome, cmd.psp_reference)
    change = settle(payment, attempt, outcome, now=deps.clock.now())
    return (await record.write(tx, deps, (payment, attempt), change)).payment


async def _note(
    tx: Conn, deps: Deps, payment: Payment, attempt: Attempt, cmd: SettleAttempt
) -> None:
    action = OperatorAction(
        merchant_id=payment.merchant_id,
        id=deps.new_id("opa"),
        payment_id=payment.id,
        attempt_id=attempt.id,
        outcome=cmd.outcome,
        operator=cmd.operator,
        note=cmd.note,
        trace_id=telemetry.trace_id(),
    )
    await operator_actions.insert(tx, action)
    event = events.settled_by_hand(payment, attempt, cmd.outcome)
    await outbox.append(tx, outbox.event_of(payment, event, deps.clock.now()))


async def list_operator_actions(deps: Deps, *, limit: int) -> Sequence[OperatorAction]:
    """For all merchants if the caller names none."""
    return await deps.db.run(operator_actions.newest, context.current().merchant_id, limit or 100)


async def list_unresolved_attempts(deps: Deps, *, limit: int) -> Sequence[attempts.Unresolved]:
    """For all merchants if the caller names none."""
    return await deps.db.run(attempts.unresolved, context.current().merchant_id, limit or 100)
