"""What a payment's clock makes due: a delayed capture, or the end of a challenge."""

from datetime import timedelta
from typing import Final

from libs.errors import Refusal
from libs.logs import log
from services.payments.deps import Deps
from services.payments.flows.operations import cancel_payment, capture_payment
from services.payments.rules.states import State
from services.payments.store import payments

LEASE: Final = timedelta(minutes=1)


async def act_on_due_payment(deps: Deps, due: payments.Due) -> None:
    async with deps.db.connection() as conn:
        payment = await payments.get(conn, due.merchant_id, due.payment_id)
    if payment is None:
        return
    try:
        if payment.state is State.AUTHORISED:
            await capture_payment(deps, payment.id)
        elif payment.state is State.REQUIRES_ACTION:
            await cancel_payment(deps, payment.id)
    except Refusal as refusal:
        # Somebody else was faster, or the PSP refused: the row comes again if it still must.
        log.info("due payment was not due", payment_id=payment.id, reason=refusal.reason)
