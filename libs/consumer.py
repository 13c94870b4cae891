"""Events in: durable JetStream consumers whose handlers run in the inbox's transaction.

A batch is handled in one transaction together with its inbox rows and acknowledged after the
commit, so a repeated event finds its id and does nothing. A batch that fails is halved until the
failing event is isolated; it is redelivered later, and after MAX_DELIVERIES goes to
incasso.dead.<consumer>. Redelivered events are handled apart from new ones, and any number may
wait, so that neither blocks the other. Handlers must tolerate any order.

A handler takes one event. A `BatchHandler` takes all of a batch and writes them in statements over
sets. An `UnlessKnown` takes only the events of a batch that a query found to be new.

During a rollout two versions share a consumer. An event whose subject only the other version
handles is left to it; if it is not handled within an hour, it becomes a dead letter too.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import nats
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from prometheus_client import Counter

from libs import context, telemetry
from libs.bus import DEAD, STREAM, Bus, Event, event_of, once_available, subject_of
from libs.db import Conn, Database
from libs.errors import ServiceUnavailable
from libs.logs import log

BATCH: Final = 100
MAX_DELIVERIES: Final = 8
ACK_WAIT_SECONDS: Final = 30
RETRY_DELAY_SECONDS: Final = 2.0
LEFT_TO_OTHERS: Final = timedelta(hours=1)  # longer than even a troubled rollout

CONSUMED = Counter("incasso_events_consumed_total", "Events handled", ["consumer", "outcome"])

Handler: TypeAlias = Callable[[Conn, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BatchHandler:
    """Handles many events of any merchants, without a current call. It publishes nothing, since its
    events would not belong to any single merchant.
    """

    handle: Callable[[Conn, Sequence[Event]], Awaitable[None]]

    async def __call__(self, conn: Conn, event: Event) -> None:
        await self.handle(conn, [event])


@dataclass(frozen=True, slots=True)
class UnlessKnown:
    """Handles single events, except those that are already known. `known` returns their ids in one
    query per batch, of any merchants. It only receives events of `route`, and those of senders that
    do not set a route yet.
    """

    known: Callable[[Conn, Sequence[Event]], Awaitable[Collection[str]]]
    handle: Handler
    route: str  # as in a NATS subject: `link.*`

    async def __call__(self, conn: Conn, event: Event) -> None:
        if not await self.known(conn, [event]):
            await self.handle(conn, event)


def grouped(
    handlers: Mapping[str, Handler], events: Sequence[Event]
) -> tuple[Mapping[BatchHandler, Sequence[Event]], Sequence[Event]]:
    """Events to handle together, by handler, and events to handle one by one."""
    together: dict[BatchHandler, list[Event]] = defaultdict(list)
    alone: list[Event] = []
    for event in events:
        handler = handlers.get(event.subject)
        if isinstance(handler, BatchHandler):
            together[handler].append(event)
        else:
            alone.append(event)
    return together, alone


async def _unknown(
    conn: Conn, handlers: Mapping[str, Handler], events: Sequence[Event]
) -> Sequence[Event]:
    """The events that are not known yet."""
    looked_at: dict[UnlessKnown, list[Event]] = defaultdict(list)
    for event in events:
        handler = handlers[event.subject]
        if isinstance(handler, UnlessKnown):
            looked_at[handler].append(event)
    known = {
        event_id
        for handler, group in looked_at.items()
        for event_id in await handler.known(conn, group)
    }
    return [event for event in events if event.event_id not in known]


def filters(handlers: Mapping[str, Handler]) -> list[str]:
    """The consumer's filters: for each subject, the events without a route and the routes that are
    read.
    """
    routed = (
        f"{subject}.{handler.route if isinstance(handler, UnlessKnown) else '>'}"
        for subject, handler in handlers.items()
    )
    return sorted({*handlers, *routed})


class SubjectNotHandledError(Exception):
    """No handler in this version for the event's subject; another version may have one."""


class Consumer:
    """`handlers` maps a subject to its handler. `name` is durable: keep it."""

    def __init__(self, name: str, db: Database, bus: Bus, handlers: dict[str, Handler]) -> None:
        self._name = name
        self._db = db
        self._bus = bus
        self._handlers = handlers

    async def run(self) -> None:
        """Consume until cancelled."""
        subscription = await self._subscribe()
        while True:
            try:
                messages = await subscription.fetch(BATCH, timeout=5)
            except (TimeoutError, nats.js.errors.FetchTimeoutError):
                continue  # nats-py raises its own TimeoutError or asyncio's
            except nats.errors.ConnectionClosedError:
                raise  # closed for good, unlike a lost connection
            except (nats.errors.Error, nats.js.errors.APIError) as error:
                log.warning("fetch failed", consumer=self._name, error=repr(error))
                await asyncio.sleep(RETRY_DELAY_SECONDS)
                continue
            await asyncio.gather(
                *(
                    self._refuse(m, SubjectNotHandledError(m.subject))
                    for m in messages
                    if subject_of(m.subject) not in self._handlers
                )
            )
            ours = [m for m in messages if subject_of(m.subject) in self._handlers]
            await self._take([m for m in ours if m.metadata.num_delivered == 1])
            await self._take([m for m in ours if m.metadata.num_delivered > 1])

    async def set_up(self) -> None:
        """Creates the consumer, or updates it to what this version handles."""
        add = self._bus.js.add_consumer
        await once_available(lambda: add(STREAM, self._config, durable_name=self._name))

    @property
    def _config(self) -> ConsumerConfig:
        return ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_ack_pending=-1,  # events waiting for redelivery count: a limit stops the rest
            filter_subjects=filters(self._handlers),
        )

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
        while True:
            try:
                await self._ensure()
                return await self._bus.js.pull_subscribe_bind(self._name, STREAM)
            except (nats.errors.Error, nats.js.errors.APIError) as error:
                log.warning("subscribe failed", consumer=self._name, error=repr(error))
                await asyncio.sleep(RETRY_DELAY_SECONDS)

    async def _ensure(self) -> None:
        """If NATS has users, only the migration job may set up the consumer, and it already has
        (libs/bus_users).
        """
        try:
            found = await self._bus.js.consumer_info(STREAM, self._name)
        except nats.js.errors.NotFoundError:
            await self.set_up()
            return
        if _shape(found.config) == _shape(self._config):
            return
        try:
            await self.set_up()
        except nats.errors.TimeoutError:  # not allowed: the consumer keeps its filters
            log.error("the consumer is not set up for this version", consumer=self._name)

    async def _take(self, messages: Sequence[Msg]) -> None:
        if not messages:
            return
        try:
            await self._handle(messages)
        except Exception as error:  # noqa: BLE001 - halving finds the message that fails
            if len(messages) == 1:
                await self._refuse(messages[0], error)
                return
            half = len(messages) // 2
            await self._take(messages[:half])
            await self._take(messages[half:])
        else:
            await asyncio.gather(*(message.ack() for message in messages))
            CONSUMED.labels(self._name, "handled").inc(len(messages))

    async def _handle(self, messages: Sequence[Msg]) -> None:
        events = [event_of(m.subject, m.headers or {}, m.data) for m in messages]
        async with self._db.transaction() as conn:
            rows = await conn.fetch(
                "INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::text[])"
                " ON CONFLICT DO NOTHING RETURNING event_id",
                self._name,
                [event.event_id for event in events],
            )
            fresh = {row["event_id"] for row in rows}
            new = {event.event_id: event for event in events if event.event_id in fresh}
            together, alone = grouped(self._handlers, list(new.values()))
            for handler, group in together.items():
                await self._handle_together(conn, handler, group)
            context.set_current(context.Call(actor=self._name))
            for event in await _unknown(conn, self._handlers, alone):
                await self._handle_one(conn, event)

    async def _handle_together(
        self, conn: Conn, handler: BatchHandler, events: Sequence[Event]
    ) -> None:
        """Each event has its span; the statements belong to the last recorded span."""
        context.set_current(context.Call(actor=self._name))
        with ExitStack() as spans:
            for event in sorted(events, key=lambda event: event.traceparent[-2:]):
                spans.enter_context(self._span(event))
            await handler.handle(conn, events)

    async def _handle_one(self, conn: Conn, event: Event) -> None:
        context.set_current(context.Call(merchant_id=event.merchant_id, actor=self._name))
        handler = self._handlers[event.subject]
        handle = handler.handle if isinstance(handler, UnlessKnown) else handler
        with self._span(event):
            await handle(conn, event)

    def _span(self, event: Event) -> AbstractContextManager[object]:
        return telemetry.span(
            f"process {event.subject}",
            kind=telemetry.SpanKind.CONSUMER,
            parent=event.traceparent,
            attributes={"messaging.system": "nats", "messaging.message.id": event.event_id},
        )

    async def _refuse(self, message: Msg, error: Exception) -> None:
        """Retries later, or gives up: a copy with the reason goes to the dead letters."""
        tries = message.metadata.num_delivered
        if _is_hopeless(message, error) and await self._bury(message, error):
            log.error(
                "event moved to dead letters", consumer=self._name, attempts=tries, exc_info=error
            )
            await message.term()
            CONSUMED.labels(self._name, "dead").inc()
            return
        log.warning("event failed", consumer=self._name, attempts=tries, exc_info=error)
        await message.nak(delay=min(RETRY_DELAY_SECONDS * 2**tries, 300))
        CONSUMED.labels(self._name, "retried").inc()

    async def _bury(self, message: Msg, error: Exception) -> bool:
        """False if the dead letters cannot be reached: the event is redelivered."""
        headers = {**(message.headers or {}), "incasso-error": type(error).__name__}
        headers["Nats-Msg-Id"] = f"dead-{self._name}-{headers.get('ce-id', '')}"
        subject = f"{DEAD}.{self._name}"
        try:
            try:
                await self._bus.publish(subject, message.data, headers)
            except nats.errors.MaxPayloadError:  # its body is in the log of its service
                await self._bus.publish(subject, b"", headers)
        except (nats.errors.Error, TimeoutError) as failure:
            log.warning("publishing a dead letter failed", consumer=self._name, error=repr(failure))
            return False
        return True


def _is_hopeless(message: Msg, error: Exception) -> bool:
    if isinstance(error, SubjectNotHandledError):
        return datetime.now(UTC) - message.metadata.timestamp >= LEFT_TO_OTHERS
    tries = message.metadata.num_delivered
    return tries >= MAX_DELIVERIES and not isinstance(error, ServiceUnavailable)


def _shape(config: ConsumerConfig) -> tuple[object, ...]:
    subjects = {config.filter_subject, *(config.filter_subjects or ())} - {None, ""}
    return (subjects, config.max_ack_pending, config.ack_wait)
