"""Releasing money that was held, or giving up a challenge."""

from dataclasses import dataclass

from services.payments.deps import Deps
from services.payments.errors import PaymentNotCancellable
from services.payments.flows import operations
from services.payments.flows.operations import Target
from services.payments.flows.record import Answer, Recorded
from services.payments.flows.refresh import refresh
from services.payments.rules import starting
from services.payments.rules.states import AttemptState


@dataclass(frozen=True, slots=True)
class CancelPayment:
    target: Target


async def cancel_payment(deps: Deps, cmd: CancelPayment) -> Answer:
    """Raises PaymentNotCancellable, also when the PSP says so: then its state is asked for."""
    now = deps.clock.now()
    result = await operations.run(
        deps,
        cmd.target,
        lambda payment, attempt_id: starting.start_cancel(payment, attempt_id=attempt_id, now=now),
        prefix="att",
        busy=PaymentNotCancellable,
    )
    if isinstance(result, Recorded) and result.attempt.state is AttemptState.DECLINED:
        await refresh(deps, result.payment)
        raise PaymentNotCancellable
    return operations.answer_of(result)
