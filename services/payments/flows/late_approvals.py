"""Late approvals: money that a PSP took or holds after a no is detected, reported and returned
automatically.

Any hint only makes recovery look at the charge (`attempts.recheck`). It asks the PSP for the
current state; then the attempt that undoes the charge is written, committed and sent like any
other. The charge is watched until that attempt has succeeded, so that it is not forgotten after a
crash or a refusal.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs.db import Conn
from libs.logs import log
from services.payments import metrics
from services.payments.deps import Deps
from services.payments.flows import calling, record
from services.payments.rules import late_approvals, retry
from services.payments.rules.domain import Attempt, Fact, Happened, Payment
from services.payments.rules.late_approvals import Recheck, Undoing
from services.payments.rules.outcomes import NotFound, Outcome
from services.payments.store import attempts

# About an hour and a half of retries: then a person has to look.
RECHECKS_BEFORE_A_PERSON: Final = 11


async def recheck_charge(deps: Deps, payment: Payment, charge: Attempt) -> None:
    """`charge`: an authorisation with an outcome, for which the PSP has reported another one."""
    asked_at = deps.clock.now()
    outcome = await calling.look_up(deps, payment, charge)
    begun = await _begin(deps, charge, outcome, asked_at)
    if begun is None:
        return
    payment, undoing = begun
    psp = payment.candidate(undoing.psp_account_id).psp
    metrics.PAYMENTS.labels(Fact.LATE_APPROVAL.value, psp).inc()
    log.error(
        "late approval is undone",
        payment_id=payment.id,
        attempt_id=charge.id,
        kind=undoing.kind.value,
    )
    answer = await calling.perform(deps, payment, undoing)
    recorded = await record.record_outcome(deps, payment, undoing, answer)
    log.info("late approval", attempt_id=undoing.id, outcome=recorded.attempt.state.value)


async def _begin(
    deps: Deps, charge: Attempt, outcome: Outcome | NotFound, asked_at: datetime
) -> tuple[Payment, Attempt] | None:
    """Writes the attempt that undoes it; None if there is nothing to undo, at least for now."""
    async with deps.db.transaction() as tx:
        payment, charge = await record.lock(tx, charge)
        if not charge.watched:
            return None  # another replica was faster
        known = await attempts.operations_of(tx, payment.merchant_id, payment.id)
        decision = late_approvals.decide(
            payment,
            charge,
            outcome,
            known,
            attempt_id=deps.new_id("att"),
            asked_at=asked_at,
            now=deps.clock.now(),
        )
        if decision is Recheck.DONE:
            await attempts.rest(tx, charge)
            return None
        for_a_person = charge.recovery_tries > RECHECKS_BEFORE_A_PERSON
        again = retry.pause(charge.recovery_tries)
        await attempts.postpone(tx, charge, ask_in=again, unresolved=for_a_person)
        if not isinstance(decision, Undoing) or for_a_person:
            return None
        await _write(
            tx, deps, payment, charge, decision.attempt, already_reported=_was_tried(charge, known)
        )
    return payment, decision.attempt


def _was_tried(charge: Attempt, known: Sequence[Attempt]) -> bool:
    return any(attempt.undoes == charge.id for attempt in known)


async def _write(
    tx: Conn,
    deps: Deps,
    payment: Payment,
    charge: Attempt,
    undoing: Attempt,
    *,
    already_reported: bool,
) -> None:
    await attempts.name(tx, charge, undoing.charge_reference)
    await attempts.insert(tx, undoing, ask_in=retry.CALL_FOR)
    if not already_reported:
        happened = Happened(
            Fact.LATE_APPROVAL,
            undoing.amount_minor,
            undoing.id,
            psp_reference=undoing.charge_reference,
        )
        await record.append_events(tx, deps, payment, (happened,))
