"""How a method service calls payments: it commits its intent, calls, and records the answer.

If that is interrupted, whichever comes next continues: a repeat of the call, an event (events.py),
or the worker of due rows (due.py). The service has the row and the decisions; this module decides
what is certain.
"""

from datetime import timedelta
from typing import Final, Protocol, TypeVar

from prometheus_client import Counter

from libs.errors import (
    IdempotencyKeyInUse,
    RemoteRefusal,
    ServiceUnavailable,
    StoredRefusal,
    stored,
)
from libs.logs import log
from libs.payments.answer import Answer, Intent
from libs.payments.client import Payments

ABANDON_AFTER: Final = timedelta(minutes=15)  # a shopper who has left is no longer charged
AFTER_END: Final = Counter(
    "incasso_payments_after_their_end_total",
    "Payments that succeeded after the row that requested them had ended: to be refunded",
)

T_co = TypeVar("T_co", covariant=True)


class Asked(Protocol[T_co]):
    """A row of a method service that stands for one payment, and how the service handles answers.

    Each of the three methods writes in its own transaction, and tolerates late and repeated calls.
    """

    @property
    def intent(self) -> Intent: ...

    async def answered(self, answer: Answer) -> T_co:
        """Records the answer, whatever it is."""

    async def refused(self, refusal: StoredRefusal | None) -> None:
        """Nothing was or will be taken. None: payments was not asked in time."""

    async def unanswered(self) -> None:
        """The row stays unchanged; waiting callers can continue at once."""


async def perform(payments: Payments, asked: Asked[T_co]) -> T_co:
    """Calls payments, outside any transaction, and records its answer.

    A definite refusal ends the row and is raised. Without an answer (ServiceUnavailable,
    IdempotencyKeyInUse) the row stays, and the next call asks for the same payment.
    """
    try:
        answer = await payments.create(asked.intent)
    except (ServiceUnavailable, IdempotencyKeyInUse):
        await asked.unanswered()
        raise
    except RemoteRefusal as refusal:
        await asked.refused(stored(refusal))
        raise
    return await asked.answered(answer)


async def refresh(payments: Payments, asked: Asked[T_co], payment_id: str) -> T_co:
    """Records the payment's current state."""
    return await asked.answered(await payments.get(payment_id))


async def settle(payments: Payments, asked: Asked[T_co], *, age: timedelta) -> T_co | None:
    """Settles an unfinished row, `age` after it was last requested. None: it has no answer, or no
    payment.

    If it is too late to charge a shopper who has left, the key is closed: either payments created
    the payment long ago, or a call of ours that is still on its way can no longer create it.
    """
    intent = asked.intent
    try:
        if intent.payment_id is not None:
            return await refresh(payments, asked, intent.payment_id)
        if age < ABANDON_AFTER:
            return await perform(payments, asked)
        answer = await payments.close(intent.key)
        if answer is not None:
            return await asked.answered(answer)
        await asked.refused(None)
    except (IdempotencyKeyInUse, RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("a payment is not settled yet", reason=refusal.reason)
    return None


def count_after_end(payment_id: str) -> None:
    """Counts money received for a row that had ended, which a person must look at. None of our own
    steps leads there.
    """
    AFTER_END.inc()
    log.error("a payment succeeded after its row had ended", payment_id=payment_id)
