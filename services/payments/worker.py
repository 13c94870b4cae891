"""Entry points besides gRPC: attempts to recover, due payments, customers erased elsewhere.

Any number of replicas may run.
"""

from functools import partial
from typing import Final

from incasso.oneclick.v1 import events_pb2
from libs import gauges
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueRow, DueWorker, worker
from services.payments import metrics
from services.payments.deps import Deps
from services.payments.flows.erase import erase_customer
from services.payments.flows.operations import act_on_due_payment
from services.payments.flows.recovery import recover_attempt
from services.payments.rules import retry
from services.payments.store import attempts, erasing, payments
from services.payments.store.attempts import DueAttempt
from services.payments.store.erasing import Erasure

SERVICE: Final = "payments"
DOUBTS_SECONDS: Final = 5.0


def recovery(deps: Deps) -> DueWorker[DueAttempt]:
    """Asks PSPs about calls without an outcome."""
    claim, kind = attempts.CLAIM_RECOVERY, attempts.due_attempt
    work = partial(recover_attempt, deps)
    return worker(SERVICE, "recovery", deps.db, claim, work, retry.LEASE, kind=kind, concurrency=32)


def due_payments(deps: Deps) -> DueWorker[DueRow]:
    """Delayed captures, and challenges that were not passed in time."""
    work = partial(act_on_due_payment, deps)
    return worker(SERVICE, "due", deps.db, payments.CLAIM_DUE, work, retry.DUE_LEASE)


def erasing_worker(deps: Deps) -> DueWorker[Erasure]:
    """Customers who were erased in oneclick."""
    work = partial(erase_customer, deps)
    return worker(SERVICE, "erasures", deps.db, erasing.CLAIM_DUE, work, kind=Erasure)


def handlers() -> dict[str, Handler]:
    """The handlers for events of other services."""
    return {"incasso.oneclick.customer.erased": _customer_erased}


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = events_pb2.CustomerErased.FromString(event.body)
    await erasing.ask(conn, Erasure(event.merchant_id, erased.customer_id))


async def watch_doubts(deps: Deps) -> None:
    """Updates the gauges of unknown outcomes."""

    async def read(conn: Conn) -> None:
        age, unresolved = await attempts.doubts(conn)
        metrics.OLDEST_UNKNOWN.set(age.total_seconds())
        metrics.UNRESOLVED.set(unresolved)

    await gauges.keep(deps.db, read, seconds=DOUBTS_SECONDS)
