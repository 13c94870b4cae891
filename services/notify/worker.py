"""The combined entry points of notify's two halves: events, which both may follow, and due rows."""

from collections.abc import Mapping, Sequence

from incasso.oneclick.v1 import events_pb2 as oneclick_events
from libs import gauges
from libs.bus import Event
from libs.consumer import BatchHandler, Handler, grouped
from libs.db import Conn
from libs.due import DueWorker
from libs.process import Loop
from services.notify import metrics
from services.notify.deps import Deps
from services.notify.messages import worker as messages
from services.notify.messages.flows.messages import forget_customer
from services.notify.messages.store import attempts
from services.notify.messages.store.attempts import Due
from services.notify.webhooks import worker as webhooks
from services.notify.webhooks.flows import feed
from services.notify.webhooks.store import deliveries


def handlers(deps: Deps) -> dict[str, Handler]:
    """The handlers, by subject. They write rows and send nothing."""
    return merged(
        webhooks.handlers(deps),
        messages.handlers(deps),
        {"incasso.oneclick.customer.erased": _customer_erased},
    )


def due_workers(deps: Deps) -> Sequence[DueWorker[Due]]:
    """The workers for due messages."""
    return messages.due_workers(deps)


def loops(deps: Deps) -> Sequence[Loop]:
    """Loops that run until the process stops."""
    return [*webhooks.loops(deps), lambda: watch(deps)]


def merged(*readers: Mapping[str, Handler]) -> dict[str, Handler]:
    """Combines the handlers of each subject: every reader gets its events, in one transaction."""

    async def handle(conn: Conn, events: Sequence[Event]) -> None:
        for reader in readers:
            mine = [event for event in events if event.subject in reader]
            together, alone = grouped(reader, mine)
            for handler, group in together.items():
                await handler.handle(conn, group)
            for event in alone:
                await reader[event.subject](conn, event)

    every = BatchHandler(handle)
    return {subject: every for reader in readers for subject in reader}


async def watch(deps: Deps) -> None:
    """Updates the gauges of waiting rows."""

    async def read(conn: Conn) -> None:
        metrics.OLDEST_QUEUED.set(await attempts.oldest_queued_seconds(conn))
        metrics.OLDEST_WEBHOOK.set(await deliveries.oldest_pending_seconds(conn))

    await gauges.keep(deps.db, read)


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = oneclick_events.CustomerErased.FromString(event.body)
    await forget_customer(conn, event.merchant_id, erased.customer_id)
    await feed.forget_customer(conn, event.merchant_id, erased.customer_id)
