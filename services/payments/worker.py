"""The other door: attempts to recover and payments that are due. Any number of replicas may run."""

import asyncio
from typing import Final

from libs.db import Conn
from libs.due import DueWorker, Room
from libs.errors import Refusal
from libs.logs import log
from services.payments import metrics, retry
from services.payments.deps import Deps
from services.payments.flows.due import LEASE, act_on_due_payment
from services.payments.flows.recovery import recover_attempt
from services.payments.flows.webhooks import work_for
from services.payments.store import attempts, payments, velocity
from services.payments.store.attempts import DueAttempt
from services.payments.store.payments import Due

DOUBTS_SECONDS: Final = 5.0
PURGE_SECONDS: Final = 3600.0


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


async def purge_counters(deps: Deps) -> None:
    """Forget declines that count no more, and with them whom they were counted for."""
    while True:
        try:
            async with deps.db.connection() as conn:
                await velocity.purge(conn)
        except Refusal as refusal:
            log.warning("counters were not purged", reason=refusal.reason)
        await asyncio.sleep(PURGE_SECONDS)


async def watch_doubts(deps: Deps) -> None:
    """Keep the gauges of what is not known."""
    while True:
        try:
            async with deps.db.connection() as conn:
                age, unresolved = await attempts.doubts(conn)
        except Refusal as refusal:
            log.warning("doubts were not counted", reason=refusal.reason)
        else:
            metrics.OLDEST_UNKNOWN.set(age.total_seconds())
            metrics.UNRESOLVED.set(unresolved)
        await asyncio.sleep(DOUBTS_SECONDS)
