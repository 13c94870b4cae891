"""Payment attempts after the click: events, and unfinished attempts."""

from libs import context
from libs.db import Conn
from libs.payments import asking
from libs.payments.answer import Answer
from libs.payments.due import DueRow
from services.paylink.deps import Deps
from services.paylink.flows import pay, plan
from services.paylink.flows.pay import AskedAttempt
from services.paylink.rules import paying
from services.paylink.rules.domain import LinkPayment, Method
from services.paylink.rules.states import PaymentState
from services.paylink.store import payments
from services.paylink.store.payments import ATTEMPTS


async def follow_payment(deps: Deps, conn: Conn, answer: Answer) -> None:
    """Applies an event of payments in the inbox's transaction. Any order, any number of times."""
    payment = await payments.of_payment(conn, context.merchant_id(), answer.id, answer.key)
    if payment is not None:
        await pay.record_in(conn, payment, answer, deps.clock.now())


async def refresh(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """The attempt after asking for the state of its payment or plan."""
    if payment.state is not PaymentState.PROCESSING:
        return payment
    if payment.method is Method.INSTALMENTS:
        return await plan.refresh(deps, payment)
    if payment.payment_id is None:
        return payment
    return await asking.refresh(deps.payments, AskedAttempt(deps, payment), payment.payment_id)


async def settle_due(deps: Deps, due: DueRow) -> None:
    """Settles an unfinished attempt; gives up a challenge that was not passed in time."""
    payment = await deps.db.run(ATTEMPTS.get, due.merchant_id, due.id)
    if payment is None or payment.state is not PaymentState.PROCESSING:
        return
    if payment.method is Method.INSTALMENTS:
        await plan.settle(deps, payment, age=due.age)
        return
    current = await asking.settle(deps.payments, AskedAttempt(deps, payment), age=due.age)
    if current is not None and current.state is PaymentState.PROCESSING:
        await pay.end_challenge(deps, current, paying.GIVE_UP_AFTER)
