"""SQL of events, and of the deliveries that they make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import ids
from libs.db import Conn, Row
from libs.pages import Page
from services.notify import public_events
from services.notify.webhook_domain import MOST_ENDPOINTS, PublicEvent

_COLUMNS: Final = "id, merchant_id, type, message, body, traceparent, created_at"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """`types` empty: all."""

    types: Sequence[str] = ()
    created_from: datetime | None = None
    created_to: datetime | None = None


async def insert_event(conn: Conn, event: PublicEvent) -> bool:
    """False when it is there already."""
    touched = await conn.execute(
        f"INSERT INTO events ({_COLUMNS}, customer_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"  # noqa: S608 - our own column list
        " ON CONFLICT DO NOTHING",
        event.id,
        event.merchant_id,
        event.type,
        event.message,
        event.body,
        event.traceparent,
        event.created_at,
        event.customer_id,
    )
    return touched == 1


async def rewrite_of_customer(
    conn: Conn, merchant_id: str, customer_id: str, left: Callable[[PublicEvent], bytes]
) -> None:
    """Put what `left` leaves of the events about a customer in their place."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM events WHERE merchant_id = $1 AND customer_id = $2"  # noqa: S608 - our own column list
        " ORDER BY id FOR NO KEY UPDATE",
        merchant_id,
        customer_id,
    )
    await conn.execute(
        "UPDATE events SET body = new.body FROM unnest($2::text[], $3::bytea[]) AS new (id, body)"
        " WHERE events.merchant_id = $1 AND events.id = new.id",
        merchant_id,
        [row["id"] for row in rows],
        [left(event_of(row)) for row in rows],
    )


async def insert_deliveries(conn: Conn, event: PublicEvent) -> int:
    """One, due now, per enabled endpoint that wants the event and does not wait for it yet.

    Endpoints are not locked: the feed and what is recorded of tries must not wait for each other.
    What an endpoint gets while it is being disabled fails when it is claimed.
    """
    return await conn.execute(
        "WITH wanting AS ("
        "  SELECT endpoint.id FROM webhook_endpoints AS endpoint"
        "  WHERE endpoint.merchant_id = $1 AND endpoint.state = 'enabled'"
        "    AND (endpoint.event_types = '{}' OR endpoint.event_types && $4::text[])"
        "    AND NOT EXISTS ("
        "      SELECT FROM webhook_deliveries AS other WHERE other.merchant_id = $1"
        "        AND other.event_id = $2 AND other.endpoint_id = endpoint.id"
        "        AND other.state = 'pending')"
        "  ORDER BY endpoint.id"
        "), numbered AS (SELECT id, row_number() OVER () AS number FROM wanting)"
        " INSERT INTO webhook_deliveries"
        "   (merchant_id, id, endpoint_id, event_id, event_type, due_at)"
        " SELECT $1, fresh.id, numbered.id, $2, $3, now() FROM numbered"
        " JOIN unnest($5::text[]) WITH ORDINALITY AS fresh (id, number) USING (number)",
        event.merchant_id,
        event.id,
        event.type,
        [event.type, public_events.wildcard_of(event.type)],
        [ids.new("whd") for _ in range(MOST_ENDPOINTS)],
    )


async def get_event(conn: Conn, merchant_id: str, event_id: str) -> PublicEvent | None:
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM events WHERE merchant_id = $1 AND id = $2",  # noqa: S608 - our own column list
        merchant_id,
        event_id,
    )
    return event_of(row) if row else None


async def list_events(
    conn: Conn, merchant_id: str, wanted: EventFilter, page: Page
) -> list[PublicEvent]:
    """One more than the page holds, newest first."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM events WHERE merchant_id = $1 AND id < $2"  # noqa: S608 - our own column list
        " AND ($4::text[] = '{}' OR type = ANY ($4))"
        " AND ($5::timestamptz IS NULL OR created_at >= $5)"
        " AND ($6::timestamptz IS NULL OR created_at < $6)"
        " ORDER BY id DESC LIMIT $3",
        merchant_id,
        page.before,
        page.limit + 1,
        list(wanted.types),
        wanted.created_from,
        wanted.created_to,
    )
    return [event_of(row) for row in rows]


def event_of(row: Row) -> PublicEvent:
    return PublicEvent(
        id=row["id"],
        merchant_id=row["merchant_id"],
        type=row["type"],
        message=row["message"],
        body=row["body"],
        traceparent=row["traceparent"],
        created_at=row["created_at"],
    )
