"""Events out: rows of the effect's transaction, relayed to JetStream in order per aggregate.

`append` is called inside the transaction; a store that wants effect and events in one statement
takes `insert_sql` with `insert_values`. One relay at a time per database publishes (an advisory
lock chooses it; any replica may be it), woken by NOTIFY and by a slow poll. Rows stay as the event
log; `replay` publishes a range again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import asyncpg
from prometheus_client import Counter, Gauge

from libs import ids, telemetry
from libs.bus import Bus, Event
from libs.db import Conn, Database, Row
from libs.errors import ServiceUnavailable
from libs.logs import log

CHANNEL: Final = "outbox"
BATCH: Final = 500
POLL_SECONDS: Final = 1.0
_LOCK: Final = 0x1CA551

PUBLISHED = Counter("incasso_outbox_published_total", "Events published")
LAG = Gauge("incasso_outbox_lag_seconds", "Age of the oldest unpublished event")

_COLUMNS: Final = "event_id, merchant_id, aggregate_id, subject, body, traceparent, occurred_at"
_INSERT: Final = f"INSERT INTO outbox ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What is told of an aggregate. `at` is the merchant's now."""

    merchant_id: str
    aggregate_id: str
    subject: str
    body: bytes
    at: datetime


def insert_sql(first: int) -> str:
    """Writes events in their order. It ends with WHERE, for the condition on which it does.

    `insert_values` are its parameters, from number `first` on.
    """
    types = ("text", "text", "text", "text", "bytea", "text", "timestamptz")
    arrays = ", ".join(f"${first + n}::{name}[]" for n, name in enumerate(types))
    return f"""
    INSERT INTO outbox ({_COLUMNS})
    SELECT {_COLUMNS}
    FROM unnest({arrays}) AS new ({_COLUMNS})
    WHERE """  # noqa: S608 - made of constants


def insert_values(events: Sequence[NewEvent]) -> tuple[object, ...]:
    """The seven parameters of `insert_sql`: an array for each column."""
    traceparent = telemetry.traceparent()
    return (
        [ids.new("evt") for _ in events],
        [event.merchant_id for event in events],
        [event.aggregate_id for event in events],
        [event.subject for event in events],
        [event.body for event in events],
        [traceparent for _ in events],
        [event.at for event in events],
    )


async def append(
    conn: Conn, *, merchant_id: str, aggregate_id: str, subject: str, body: bytes, at: datetime
) -> str:
    """Write an event into the current transaction; answers its id. `at` is the merchant's now."""
    event_id = ids.new("evt")
    await conn.execute(
        _INSERT, event_id, merchant_id, aggregate_id, subject, body, telemetry.traceparent(), at
    )
    return event_id


class Relay:
    """Publishes what is in the outbox. `run` ends only when it is cancelled."""

    def __init__(self, db: Database, bus: Bus) -> None:
        self._db = db
        self._bus = bus
        self._wake = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                await self._lead()
            except (ServiceUnavailable, asyncpg.PostgresError, TimeoutError) as error:
                log.warning("outbox relay starts again", error=repr(error))
                await asyncio.sleep(POLL_SECONDS)

    async def _lead(self) -> None:
        async with self._db.connection() as conn:
            while not await conn.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110 - the lock is in the database
                await asyncio.sleep(POLL_SECONDS)
            await conn.raw.add_listener(CHANNEL, lambda *_: self._wake.set())
            try:
                while True:
                    if await self._publish_batch(conn) < BATCH:
                        await self._rest()
            finally:
                if not conn.raw.is_closed():
                    await conn.raw.reset()  # drops the listener and the lock

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _publish_batch(self, conn: Conn) -> int:
        rows = await conn.fetch(
            "SELECT seq, event_id, merchant_id, aggregate_id, subject, body, traceparent,"
            " occurred_at, extract(epoch FROM now() - recorded_at)::float AS age FROM outbox"
            " WHERE published_at IS NULL ORDER BY seq LIMIT $1",
            BATCH,
        )
        LAG.set(max((row["age"] for row in rows), default=0.0))
        if not rows:
            return 0
        done = await self._publish(rows)
        await conn.execute(
            "UPDATE outbox SET published_at = now() WHERE seq = ANY($1::bigint[])", done
        )
        PUBLISHED.inc(len(done))
        return len(rows)

    async def _publish(self, rows: list[Row]) -> list[int]:
        """Publish at once, in order; what was not acknowledged is left for the next turn."""
        answers = await asyncio.gather(
            *(publish(self._bus, event_of_row(row)) for row in rows), return_exceptions=True
        )
        failed_aggregates: set[str] = set()
        done: list[int] = []
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, BaseException):
                failed_aggregates.add(row["aggregate_id"])
                log.warning("event was not published", event_id=row["event_id"], error=repr(answer))
            elif row["aggregate_id"] not in failed_aggregates:
                done.append(row["seq"])
        if not done:
            raise TimeoutError("JetStream acknowledged nothing")
        return done


def event_of_row(row: Row) -> Event:
    return Event(
        event_id=row["event_id"],
        merchant_id=row["merchant_id"],
        aggregate_id=row["aggregate_id"],
        subject=row["subject"],
        body=row["body"],
        traceparent=row["traceparent"],
        occurred_at=row["occurred_at"],
    )


async def publish(bus: Bus, event: Event) -> None:
    """Publish one event as part of the trace in which it happened."""
    with telemetry.span(
        f"publish {event.subject}",
        kind=telemetry.SpanKind.PRODUCER,
        parent=event.traceparent,
        attributes={"messaging.system": "nats", "messaging.message.id": event.event_id},
    ):
        await bus.js.publish(
            event.subject, event.body, headers=event.headers(telemetry.traceparent())
        )


async def replay(conn: Conn, *, since: datetime, until: datetime, subject: str = "incasso.") -> int:
    """Mark published events of a range as unpublished; the relay sends them again. How many."""
    return await conn.execute(
        "UPDATE outbox SET published_at = NULL WHERE recorded_at >= $1 AND recorded_at < $2"
        " AND starts_with(subject, $3) AND published_at IS NOT NULL",
        since,
        until,
        subject,
    )


async def age(conn: Conn) -> timedelta:
    """Age of the oldest unpublished event; zero when there is none."""
    found = await conn.fetchval(
        "SELECT now() - min(recorded_at) FROM outbox WHERE published_at IS NULL"
    )
    return found if isinstance(found, timedelta) else timedelta()
