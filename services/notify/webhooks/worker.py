"""Entry points of webhooks besides gRPC: public events for the feed, and due deliveries.

Deliveries do not run in libs.due's batches: a batch ends with its slowest row, and a receiver that
never answers must not delay the others. Here each row has its own slot, and an endpoint gets only a
few of them; slots are refilled as they become free.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from libs import context, public_events
from libs.consumer import BatchHandler, Handler
from libs.logs import log
from libs.process import Loop
from libs.queues import Room
from libs.tasks import cancel, happens
from services.notify import metrics
from services.notify.deps import Deps
from services.notify.webhooks.flows.deliveries import deliver
from services.notify.webhooks.flows.feed import take_events
from services.notify.webhooks.store import deliveries
from services.notify.webhooks.store.deliveries import DueDelivery

ACTOR: Final = "notify"
PLACES: Final = 512  # more than the endpoints of one merchant can fill
PER_ENDPOINT: Final = 16
LEASE: Final = timedelta(seconds=60)  # longer than an attempt may take
INTERVAL_SECONDS: Final = 1.0  # until retries, and rows of a dead replica, are noticed
PAUSE_SECONDS: Final = 0.01  # so that slots that become free together are refilled together


def handlers(deps: Deps) -> dict[str, Handler]:
    """The handlers, by subject."""
    return dict.fromkeys(public_events.MESSAGES, BatchHandler(partial(take_events, deps)))


def loops(deps: Deps) -> Sequence[Loop]:
    """Loops that run until the process stops."""
    return [DeliveryWorker(deps).run]


class DeliveryWorker:
    """Sends due deliveries. Any number of replicas may run."""

    def __init__(
        self, deps: Deps, *, places: int = PLACES, per_endpoint: int = PER_ENDPOINT
    ) -> None:
        self._deps = deps
        self._places = places
        self._per_endpoint = per_endpoint
        self._under_way: Counter[str] = Counter()  # by endpoint
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = deps.webhooks_due

    async def run(self) -> None:
        """Works until cancelled. Attempts in progress are then finished by `deps.sending`."""
        try:
            while True:
                self._wake.clear()
                await self.start_due()
                if await happens(self._wake, INTERVAL_SECONDS):
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await cancel(list(self._tasks))

    async def start_due(self) -> int:
        """Fills the free slots; returns the number of started attempts."""
        room = Room(self._places - len(self._tasks), self._per_endpoint, self._under_way)
        if room.rows <= 0:
            return 0
        try:
            due = await self._deps.db.run(deliveries.claim_due, room, LEASE)
        except Exception as error:  # noqa: BLE001 - the loop survives an outage of the database
            log.warning("claim failed", name="webhooks", exc_info=error)
            return 0
        for delivery in due:
            self._start(delivery)
        return len(due)

    async def finish(self) -> None:
        """Waits until nothing is in progress."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, due: DueDelivery) -> None:
        self._under_way[due.endpoint_id] += 1
        # A stopping process finishes its attempts, so that fewer webhooks arrive twice.
        task = asyncio.create_task(self._deps.sending.finish(self._deliver(due)))
        self._tasks.add(task)

        def end(done: "asyncio.Task[None]") -> None:
            self._tasks.discard(done)
            self._under_way[due.endpoint_id] -= 1
            if not self._under_way[due.endpoint_id]:
                del self._under_way[due.endpoint_id]
            self._wake.set()

        task.add_done_callback(end)

    async def _deliver(self, due: DueDelivery) -> None:
        context.set_current(context.Call(merchant_id=due.merchant_id, actor=ACTOR))
        try:
            state = await deliver(self._deps, due)
        except Exception as error:  # noqa: BLE001 - it is claimed again after its lease
            log.error("webhook failed", name="webhooks", exc_info=error)
            metrics.WEBHOOKS.labels("lost").inc()
        else:
            metrics.WEBHOOKS.labels(state.value if state else "deleted").inc()
