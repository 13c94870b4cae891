"""Captures, cancellations and refunds: reserve, commit, call, record. Also lowering, which calls no
PSP.
"""

from datetime import datetime
from functools import partial
from typing import Protocol

from libs import context, idempotency
from libs.db import on_unique_violation
from libs.due import DueRow
from libs.errors import Refusal, required
from libs.idempotency import Key
from libs.logs import log
from libs.money import Money
from services.payments import errors
from services.payments.deps import Deps
from services.payments.flows import calling, record
from services.payments.flows.refresh import refresh
from services.payments.rules import retry, starting
from services.payments.rules.domain import Attempt, Fact, Happened, Payment
from services.payments.rules.states import State
from services.payments.store import attempts, payments


class Start(Protocol):
    """Reserves what the operation needs, or refuses."""

    def __call__(
        self, payment: Payment, *, attempt_id: str, now: datetime
    ) -> tuple[Payment, Attempt]: ...


async def capture_payment(
    deps: Deps, payment_id: str, amount: Money | None = None, *, key: Key | None = None
) -> bytes:
    """Captures held money. `amount` None: everything capturable. A refused capture leaves the
    payment authorised.
    """
    start = partial(starting.start_capture, amount=amount)
    return await _run(deps, payment_id, start, key, busy=errors.PaymentNotCapturable)


async def cancel_payment(deps: Deps, payment_id: str, *, key: Key | None = None) -> bytes:
    """Releases held money, or gives up a challenge. Raises PaymentNotCancellable, also if the PSP
    refuses: then the payment's state is looked up.
    """
    start = starting.start_cancel
    return await _run(deps, payment_id, start, key, busy=errors.PaymentNotCancellable)


async def refund_payment(
    deps: Deps,
    payment_id: str,
    amount: Money | None = None,
    *,
    reason: str = "",
    key: Key | None = None,
) -> bytes:
    """Refunds captured money. `amount` None: everything that is left."""
    caller_key = key.text if key else ""
    start = partial(starting.start_refund, amount=amount, reason=reason, caller_key=caller_key)
    return await _run(deps, payment_id, start, key, prefix="ref", busy=errors.PaymentNotRefundable)


async def lower_payment(deps: Deps, payment_id: str, amount: Money) -> Payment:
    """Lowers the amount of a delayed capture. Repeating it changes and publishes nothing."""
    async with deps.db.transaction() as tx:
        found = await payments.lock(tx, context.merchant_id(), payment_id)
        before = required(found, errors.PaymentNotFound)
        after = starting.lower(before, amount, now=deps.clock.now())
        if after != before:
            after = await payments.save_locked(tx, before, after)
            lowered = Happened(Fact.LOWERED, before.capturable_minor)
            await record.append_events(tx, deps, after, (lowered,))
    return after


async def act_on_due_payment(deps: Deps, due: DueRow) -> None:
    """Handles a due payment: a delayed capture, or the end of a challenge."""
    async with deps.db.connection() as conn:
        payment = await payments.get(conn, due.merchant_id, due.id)
    try:
        if payment is not None and payment.state is State.AUTHORISED:
            await capture_payment(deps, payment.id)
        elif payment is not None and payment.state is State.REQUIRES_ACTION:
            await cancel_payment(deps, payment.id)
    except Refusal as refusal:
        # Another call was faster, or the PSP refused: the row is due again later if it still has to
        # be handled.
        log.info("due payment was not due", payment_id=due.id, reason=refusal.reason)


async def _run(
    deps: Deps,
    payment_id: str,
    start: Start,
    key: Key | None,
    *,
    busy: type[Refusal],
    prefix: str = "att",
) -> bytes:
    """The Payment message, the same for the same key. `busy` is raised if another capture or
    cancellation is open.
    """
    with on_unique_violation(attempts_one_ending=busy):
        async with deps.db.transaction() as tx:
            claim = await idempotency.claim(tx, key, deps.new_id(prefix), lock=retry.CALL_FOR)
            if claim.fresh:
                found = await payments.lock(tx, context.merchant_id(), payment_id)
                before = required(found, errors.PaymentNotFound)
                reserved, attempt = start(
                    before, attempt_id=claim.resource_id, now=deps.clock.now()
                )
                payment = await payments.save_locked(tx, before, reserved)
                await attempts.insert(tx, attempt, ask_in=retry.CALL_FOR)
    if not claim.fresh:
        return await record.answer_again(deps, claim, key)
    outcome = await calling.perform(deps, payment, attempt)
    recorded = await record.record_outcome(deps, payment, attempt, outcome, key=key)
    if record.is_refused_cancel(recorded.attempt):
        await refresh(deps, recorded.payment)
        raise errors.PaymentNotCancellable
    return recorded.messages.answer
