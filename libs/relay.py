"""Publishes the outbox. One relay at a time per database (chosen by an advisory lock among all
replicas), woken by NOTIFY. A slow poll finds events that no NOTIFY announces: retries, and those that an operator
released.

A round takes events from every merchant that has some waiting, so that a merchant with a million events
does not delay another's single one. An event that cannot be published is retried a few times and
then set aside, and later ones overtake it. If nothing at all is acknowledged, NATS is down, and no
event is at fault.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import asyncpg
import nats
from nats.js.errors import BadRequestError
from prometheus_client import Counter, Gauge

from libs import telemetry
from libs.bus import Bus, Event
from libs.db import Conn, Database, Row
from libs.errors import ServiceUnavailable
from libs.logs import log
from libs.tasks import happens

CHANNEL: Final = "outbox"
BATCH: Final = 500
BATCH_BYTES: Final = 8 * 1024 * 1024
MERCHANTS: Final = 100  # whose events a round takes; the next round continues after them
POLL_SECONDS: Final = 5.0
RESTART_SECONDS: Final = 1.0  # after an error, and between attempts to become the leader
PACE_SECONDS: Final = 0.1  # between rounds: under load, rounds and batches are larger
RETRY: Final = timedelta(seconds=1)  # doubled with each attempt
MAX_TRIES: Final = 5
COUNT_SECONDS: Final = 15.0
_LOCK: Final = 0x1CA551
# The event is at fault: NATS refused it, or it could not even be sent.
_REFUSALS: Final = (
    nats.errors.MaxPayloadError,
    nats.errors.BadSubjectError,
    BadRequestError,
    ValueError,
    TypeError,
)

PUBLISHED = Counter("incasso_outbox_published_total", "Events published")
LAG = Gauge("incasso_outbox_lag_seconds", "Age of the oldest unpublished event")
SET_ASIDE = Gauge("incasso_outbox_set_aside", "Events set aside because NATS refuses them")

_WAITING: Final = (
    "published_at IS NULL AND set_aside_at IS NULL AND (retry_at IS NULL OR retry_at <= now())"
)
# `heads` jumps from merchant to merchant in outbox_waiting. Takes each merchant's oldest events,
# until there are enough, or they are too large together.
_TAKE: Final = f"""
WITH RECURSIVE heads AS (
    (SELECT merchant_id, 1 AS number FROM outbox
        WHERE {_WAITING} AND merchant_id > $1 ORDER BY merchant_id LIMIT 1)
    UNION ALL
    SELECT next.merchant_id, heads.number + 1 FROM heads CROSS JOIN LATERAL (
        SELECT merchant_id FROM outbox
        WHERE {_WAITING} AND merchant_id > heads.merchant_id ORDER BY merchant_id LIMIT 1
    ) AS next WHERE heads.number < $2
), share AS (
    SELECT greatest(1, {BATCH} / greatest(1, count(*))) AS rows, count(*) AS merchants FROM heads
), picked AS (
    SELECT seq, place, sum(bytes) OVER (ORDER BY place, seq) - bytes AS bytes_before
    FROM heads CROSS JOIN LATERAL (
        SELECT seq, octet_length(body) AS bytes, row_number() OVER (ORDER BY seq) AS place
        FROM outbox WHERE {_WAITING} AND merchant_id = heads.merchant_id
        ORDER BY seq LIMIT (SELECT rows FROM share)
    ) AS own
)
SELECT seq, event_id, merchant_id, aggregate_id, subject, body, traceparent, occurred_at, route,
    tries,
    extract(epoch FROM now() - recorded_at)::float AS age,
    place = share.rows OR bytes_before + octet_length(body) >= {BATCH_BYTES} AS more,
    share.merchants
FROM picked JOIN outbox USING (seq) CROSS JOIN share
WHERE bytes_before < {BATCH_BYTES}
ORDER BY seq"""  # noqa: S608 - made of constants

_REMEMBER: Final = f"""
WITH published AS (
    UPDATE outbox SET published_at = now(), error = NULL WHERE seq = ANY($1::bigint[])
)
UPDATE outbox SET tries = tries + 1, error = failed.error,
    retry_at = now() + $4::interval * 2 ^ tries,
    set_aside_at = CASE WHEN tries + 1 >= {MAX_TRIES} THEN now() END
FROM unnest($2::bigint[], $3::text[]) AS failed (seq, error)
WHERE outbox.seq = failed.seq
RETURNING event_id, merchant_id, subject, outbox.error, tries, set_aside_at"""  # noqa: S608 - made of constants


@dataclass(slots=True)
class Outcome:
    """Outcome of a round's rows: published, or refused with the class of the error."""

    published: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)


class Relay:
    """`run` ends only when cancelled."""

    def __init__(
        self, db: Database, bus: Bus, *, retry: timedelta = RETRY, merchants: int = MERCHANTS
    ) -> None:
        self._db = db
        self._bus = bus
        self._retry = retry
        self._merchants = merchants
        self._wake = asyncio.Event()
        self._count_at = 0.0
        self._turned_at = 0.0
        self._after = ""  # the merchant after whom the next round begins

    async def run(self) -> None:
        while True:
            try:
                await self._lead()
            except (ServiceUnavailable, asyncpg.PostgresError, TimeoutError) as error:
                log.warning("outbox relay restarts", error=repr(error))
                await asyncio.sleep(RESTART_SECONDS)

    async def _lead(self) -> None:
        async with self._db.connection() as conn:
            while not await conn.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110 - the lock is in the database
                await asyncio.sleep(RESTART_SECONDS)
            await conn.raw.add_listener(CHANNEL, lambda *_: self._wake.set())
            try:
                while True:
                    if not await self.turn(conn):
                        await self._rest()
                    if time.monotonic() >= self._count_at:
                        await self._count(conn)
            finally:
                if not conn.raw.is_closed():
                    await conn.raw.reset()  # drops the listener and the lock

    async def _rest(self) -> None:
        """Waits until there is something to publish, but limits the pace: a single event is
        sent at once.
        """
        await happens(self._wake, POLL_SECONDS)
        await asyncio.sleep(self._turned_at + PACE_SECONDS - time.monotonic())
        self._wake.clear()

    async def turn(self, conn: Conn) -> bool:
        """Publishes the batch; returns whether more is waiting."""
        self._turned_at = time.monotonic()
        rows = await conn.fetch(_TAKE, self._after, self._merchants)
        LAG.set(max((row["age"] for row in rows), default=0.0))
        began, self._after = self._after, self._last_merchant(rows)
        if rows:
            await self._remember(conn, await self._publish(rows))
        return bool(began) or bool(self._after) or any(row["more"] for row in rows)

    async def _publish(self, rows: Sequence[Row]) -> Outcome:
        """Publishes concurrently, in order. Raises TimeoutError if NATS is down."""
        answers = await asyncio.gather(
            *(publish(self._bus, event_of_row(row)) for row in rows), return_exceptions=True
        )
        outcome = Outcome()
        doubtful: dict[int, str] = {}
        for row, answer in zip(rows, answers, strict=True):
            if not isinstance(answer, BaseException):
                outcome.published.append(row["seq"])
            elif isinstance(answer, _REFUSALS):
                outcome.failed[row["seq"]] = type(answer).__name__
            else:
                doubtful[row["seq"]] = type(answer).__name__
        if outcome.published:  # NATS is up: any failure is the event's own
            outcome.failed |= doubtful
        elif not outcome.failed:
            raise TimeoutError("JetStream acknowledged nothing")
        return outcome

    def _last_merchant(self, rows: Sequence[Row]) -> str:
        """The merchant after whom others may wait; "" if the round saw every merchant."""
        if not rows or rows[0]["merchants"] < self._merchants:
            return ""
        return str(max(row["merchant_id"] for row in rows))

    async def _remember(self, conn: Conn, outcome: Outcome) -> None:
        PUBLISHED.inc(len(outcome.published))
        rows = await conn.fetch(
            _REMEMBER,
            outcome.published,
            list(outcome.failed),
            list(outcome.failed.values()),
            self._retry,
        )
        for row in rows:
            if row["set_aside_at"] is None:
                log.warning(
                    "event was not published",
                    event_id=row["event_id"],
                    merchant_id=row["merchant_id"],
                    attempts=row["tries"],
                    error=row["error"],
                )
            else:
                log.error(
                    "event is set aside: it was not published",
                    event_id=row["event_id"],
                    merchant_id=row["merchant_id"],
                    subject=row["subject"],
                    error=row["error"],
                )
        if rows:
            await self._count(conn)

    async def _count(self, conn: Conn) -> None:
        self._count_at = time.monotonic() + COUNT_SECONDS
        SET_ASIDE.set(
            await conn.fetchval("SELECT count(*) FROM outbox WHERE set_aside_at IS NOT NULL")
        )


def event_of_row(row: Row) -> Event:
    return Event(
        event_id=row["event_id"],
        merchant_id=row["merchant_id"],
        aggregate_id=row["aggregate_id"],
        subject=row["subject"],
        body=row["body"],
        traceparent=row["traceparent"],
        occurred_at=row["occurred_at"],
        route=row["route"],
    )


async def publish(bus: Bus, event: Event) -> None:
    """Publishes one event as part of the trace in which it happened; if it has none, no attempt adds
    one.
    """
    with telemetry.span(
        f"publish {event.subject}",
        kind=telemetry.SpanKind.PRODUCER,
        parent=event.traceparent,
        attributes={"messaging.system": "nats", "messaging.message.id": event.event_id},
    ):
        traceparent = telemetry.traceparent() if event.traceparent else ""
        await bus.publish(event.address, event.body, event.headers(traceparent))
