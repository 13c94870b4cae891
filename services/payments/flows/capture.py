"""Taking held money, and lowering what a delayed capture will take."""

from dataclasses import dataclass

from libs.errors import required
from libs.money import Money
from services.payments.deps import Deps
from services.payments.errors import PaymentNotCapturable, PaymentNotFound
from services.payments.flows import operations, record
from services.payments.flows.operations import Target
from services.payments.flows.record import Answer
from services.payments.rules import starting
from services.payments.rules.domain import Fact, Happened, Payment
from services.payments.store import payments


@dataclass(frozen=True, slots=True)
class CapturePayment:
    target: Target
    amount: Money | None  # None: all that is capturable


async def capture_payment(deps: Deps, cmd: CapturePayment) -> Answer:
    """A refused capture leaves the payment authorised."""
    now = deps.clock.now()
    result = await operations.run(
        deps,
        cmd.target,
        lambda payment, attempt_id: starting.start_capture(
            payment, cmd.amount, attempt_id=attempt_id, now=now
        ),
        prefix="att",
        busy=PaymentNotCapturable,
    )
    return operations.answer_of(result)


@dataclass(frozen=True, slots=True)
class LowerPayment:
    merchant_id: str
    payment_id: str
    amount: Money


async def lower_payment(deps: Deps, cmd: LowerPayment) -> Payment:
    """Repeating it changes nothing and is told once."""
    async with deps.db.transaction() as tx:
        before = required(await payments.lock(tx, cmd.merchant_id, cmd.payment_id), PaymentNotFound)
        after = starting.lower(before, cmd.amount, now=deps.clock.now())
        if after == before:
            return before
        saved = await payments.save_locked(tx, before, after)
        lowered = Happened(Fact.LOWERED, before.capturable_minor)
        await record.tell(tx, deps, saved, (lowered,))
        return saved
