"""Giving captured money back."""

from dataclasses import dataclass

from libs.money import Money
from services.payments.deps import Deps
from services.payments.errors import PaymentNotRefundable
from services.payments.flows import operations
from services.payments.flows.operations import Target
from services.payments.flows.record import Answer
from services.payments.rules import starting


@dataclass(frozen=True, slots=True)
class RefundPayment:
    target: Target
    amount: Money | None  # None: all that is left
    reason: str


async def refund_payment(deps: Deps, cmd: RefundPayment) -> Answer:
    now = deps.clock.now()
    result = await operations.run(
        deps,
        cmd.target,
        lambda payment, refund_id: starting.start_refund(
            payment, cmd.amount, reason=cmd.reason, attempt_id=refund_id, now=now
        ),
        prefix="ref",
        busy=PaymentNotRefundable,
    )
    return operations.answer_of(result)
