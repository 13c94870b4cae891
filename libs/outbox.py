"""Events out: rows written in the effect's transaction, relayed to JetStream in order per aggregate.

`append` is called inside the transaction; a store that wants effect and events in one statement uses
`insert_sql` with `insert_values`. Rows stay as the event log, which libs/relay.py publishes;
`replay` publishes a range again, `logged` reads it. Events that cannot be published are set aside:
`set_aside` lists them, `release` retries them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from google.protobuf.message import Message

from libs import descriptors, ids, telemetry
from libs.bus import Event
from libs.combined_writes import Write
from libs.db import Conn
from libs.rows import Placed

_COLUMNS: Final = (
    "event_id, merchant_id, aggregate_id, subject, body, traceparent, occurred_at, route"
)
_FIELDS: Final = _COLUMNS.split(", ")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event of an aggregate. `at` is the merchant's current time; `route`: see libs.bus.Event."""

    merchant_id: str
    aggregate_id: str
    subject: str
    body: bytes
    at: datetime
    route: str = ""


def event_of(about: Placed, message: Message, at: datetime) -> NewEvent:
    """An event of the contracts, which define its subject."""
    subject, body = descriptors.subject_of(message), message.SerializeToString()
    return NewEvent(about.merchant_id, about.id, subject, body, at)


def insert_sql(first: int) -> str:
    """Writes events in order. It ends with WHERE, so that a condition follows.

    `insert_values` are its parameters, from number `first` on.
    """
    types = ("text", "text", "text", "text", "bytea", "text", "timestamptz", "text")
    arrays = ", ".join(f"${first + n}::{name}[]" for n, name in enumerate(types))
    return f"""
    INSERT INTO outbox ({_COLUMNS})
    SELECT {_COLUMNS}
    FROM unnest({arrays}) AS new ({_COLUMNS})
    WHERE """  # noqa: S608 - made of constants


def insert_values(events: Sequence[NewEvent]) -> tuple[object, ...]:
    """The eight parameters of `insert_sql`: one array per column."""
    traceparent = telemetry.traceparent()
    return (
        [ids.new("evt") for _ in events],
        [event.merchant_id for event in events],
        [event.aggregate_id for event in events],
        [event.subject for event in events],
        [event.body for event in events],
        [traceparent for _ in events],
        [event.at for event in events],
        [event.route for event in events],
    )


_APPEND: Final = insert_sql(1) + "{when}"


def appended(events: Sequence[NewEvent]) -> Write:
    """Events as one of several writes."""
    return Write(_APPEND, insert_values(events))


_APPEND_NOW: Final = f"{insert_sql(1)} true RETURNING event_id"


async def append(conn: Conn, *events: NewEvent) -> Sequence[str]:
    """Writes events into the current transaction, in order; returns their ids."""
    if not events:
        return []
    return [row["event_id"] for row in await conn.fetch(_APPEND_NOW, *insert_values(events))]


async def logged(
    conn: Conn, subjects: Collection[str], *, after: int, since: datetime | None, limit: int
) -> tuple[Sequence[Event], int]:
    """Events of the log in order, after position `after`, and the last position. `since`: only
    events recorded from then on.
    """
    rows = await conn.fetch(
        f"SELECT seq, {_COLUMNS} FROM outbox WHERE seq > $1 AND subject = ANY ($2)"  # noqa: S608 - made of constants
        " AND ($3::timestamptz IS NULL OR recorded_at >= $3) ORDER BY seq LIMIT $4",
        after,
        sorted(subjects),
        since,
        limit,
    )
    events = [Event(**{name: row[name] for name in _FIELDS}) for row in rows]
    return events, rows[-1]["seq"] if rows else after


async def count_logged(conn: Conn, subjects: Collection[str]) -> int:
    found: int = await conn.fetchval(
        "SELECT count(*) FROM outbox WHERE subject = ANY ($1)", sorted(subjects)
    )
    return found


async def replay(conn: Conn, *, since: datetime, until: datetime, subject: str = "incasso.") -> int:
    """Marks published events of a range as unpublished, so that the relay sends them again. Returns
    how many.
    """
    return await conn.execute(
        "UPDATE outbox SET published_at = NULL, tries = 0, retry_at = NULL"
        " WHERE recorded_at >= $1 AND recorded_at < $2"
        " AND starts_with(subject, $3) AND published_at IS NOT NULL",
        since,
        until,
        subject,
    )


@dataclass(frozen=True, slots=True)
class SetAside:
    """An event that could not be published. `error` is the last error's class."""

    event_id: str
    merchant_id: str
    aggregate_id: str
    subject: str
    size: int
    error: str
    recorded_at: datetime
    set_aside_at: datetime


async def set_aside(conn: Conn, *, limit: int) -> Sequence[SetAside]:
    """Events that no consumer received, oldest first."""
    rows = await conn.fetch(
        "SELECT event_id, merchant_id, aggregate_id, subject, octet_length(body) AS size, error,"
        " recorded_at, set_aside_at FROM outbox"
        " WHERE set_aside_at IS NOT NULL ORDER BY seq LIMIT $1",
        limit,
    )
    return [SetAside(**dict(row)) for row in rows]


async def release(conn: Conn, event_ids: Sequence[str] | None) -> int:
    """Retries these, or all of them; returns how many."""
    return await conn.execute(
        "UPDATE outbox SET set_aside_at = NULL, tries = 0, retry_at = NULL"
        " WHERE set_aside_at IS NOT NULL AND ($1::text[] IS NULL OR event_id = ANY($1))",
        None if event_ids is None else list(event_ids),
    )


async def age(conn: Conn) -> timedelta:
    """Age of the oldest unpublished event; zero if there is none. Events set aside do not count."""
    found = await conn.fetchval(
        "SELECT now() - min(recorded_at) FROM outbox"
        " WHERE published_at IS NULL AND set_aside_at IS NULL"
    )
    return found if isinstance(found, timedelta) else timedelta()
