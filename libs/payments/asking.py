"""How a method service asks payments: the intent was committed; ask, and record the answer.

Whoever comes next goes on where another stopped: a repeat of the call, an event (events.py), or the
worker of due rows (due.py). The service has the row and the decisions; what is certain is said here.
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

ABANDON_AFTER: Final = timedelta(minutes=15)  # nobody who left so long ago is charged any more
AFTER_END: Final = Counter(
    "incasso_payments_after_their_end_total",
    "Payments that succeeded after their row had ended without: money to give back",
)

T_co = TypeVar("T_co", covariant=True)


class Asked(Protocol[T_co]):
    """A row of a method service that stands for one payment, and what the service makes of answers.

    Each of the three writes in a transaction of its own, and tolerates to come late and again.
    """

    @property
    def intent(self) -> Intent: ...

    async def answered(self, answer: Answer) -> T_co:
        """Record it, whatever it is."""

    async def refused(self, refusal: StoredRefusal | None) -> None:
        """Nothing was taken, nor will be. None: nobody asked in time."""

    async def unanswered(self) -> None:
        """The row stays as it is; who waits for it may go on at once."""


async def perform(payments: Payments, asked: Asked[T_co]) -> T_co:
    """Ask payments, in no transaction, and record its answer.

    A certain no ends the row and is passed on. Without an answer (ServiceUnavailable,
    IdempotencyKeyInUse) the row stays, and whoever asks next asks for the same payment.
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
    """Record how the payment stands now."""
    return await asked.answered(await payments.get(payment_id))


async def settle(payments: Payments, asked: Asked[T_co], *, age: timedelta) -> T_co | None:
    """A row without an end, `age` after somebody asked for it. None: it has no answer, or no payment.

    Too late to charge a shopper who has left, the key is closed: either payments has done it long
    ago, or a call of ours that is still on its way will not do it any more.
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
    """Money for a row that had ended is for a person to look at; no step of ours leads there."""
    AFTER_END.inc()
    log.error("a payment succeeded after its row had ended", payment_id=payment_id)
