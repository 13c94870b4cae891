"""The other doors: attempts to recover, payments that are due, customers who are erased elsewhere.

Any number of replicas may run.
"""

from datetime import timedelta
from typing import Final

from incasso.oneclick.v1 import events_pb2
from libs import gauges
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueWorker, Room
from services.payments import metrics
from services.payments.deps import Deps
from services.payments.flows.due import LEASE, act_on_due_payment
from services.payments.flows.erase import erase_customer
from services.payments.flows.recovery import recover_attempt
from services.payments.flows.webhooks import work_for
from services.payments.rules import retry
from services.payments.store import attempts, erasing, payments
from services.payments.store.attempts import DueAttempt
from services.payments.store.erasing import Erasure
from services.payments.store.payments import Due

DOUBTS_SECONDS: Final = 5.0


def recovery(deps: Deps, *, interval_seconds: float = 1.0) -> DueWorker[DueAttempt]:
    """Asks PSPs about calls without an outcome."""

    async def claim(conn: Conn, room: Room) -> list[DueAttempt]:
        return list(await attempts.claim_recovery(conn, room, lease=retry.LEASE))

    async def work(due: DueAttempt) -> None:
        work_for(due.attempt.merchant_id, due.clock_offset)
        await recover_attempt(deps, due)

    return DueWorker(
        "recovery", deps.db, claim, work, interval_seconds=interval_seconds, concurrency=32
    )


def due_payments(deps: Deps, *, interval_seconds: float = 1.0) -> DueWorker[Due]:
    """Delayed captures and challenges that nobody passed."""

    async def claim(conn: Conn, room: Room) -> list[Due]:
        return list(await payments.claim_due(conn, room, lease=LEASE))

    async def work(due: Due) -> None:
        work_for(due.merchant_id, due.clock_offset)
        await act_on_due_payment(deps, due)

    return DueWorker("payments", deps.db, claim, work, interval_seconds=interval_seconds)


def erasing_worker(deps: Deps, *, interval_seconds: float = 1.0) -> DueWorker[Erasure]:
    """Customers who were erased in oneclick."""

    async def work(erasure: Erasure) -> None:
        work_for(erasure.merchant_id, timedelta())
        await erase_customer(deps, erasure)

    return DueWorker(
        "erasures", deps.db, erasing.claim_due, work, interval_seconds=interval_seconds
    )


def handlers() -> dict[str, Handler]:
    """What is done with each event of other services."""
    return {"incasso.oneclick.customer.erased": _customer_erased}


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = events_pb2.CustomerErased.FromString(event.body)
    await erasing.ask(conn, Erasure(event.merchant_id, erased.customer_id))


async def watch_doubts(deps: Deps) -> None:
    """Keep the gauges of what is not known."""

    async def read(conn: Conn) -> None:
        age, unresolved = await attempts.doubts(conn)
        metrics.OLDEST_UNKNOWN.set(age.total_seconds())
        metrics.UNRESOLVED.set(unresolved)

    await gauges.keep(deps.db, read, seconds=DOUBTS_SECONDS)
