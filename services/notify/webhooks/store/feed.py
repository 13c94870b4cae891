"""SQL of events, and of the deliveries that they create."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import ids, pages, public_events, rows
from libs.db import Conn
from libs.pages import Listed, Page
from services.notify.webhooks.rules.domain import PublicEvent

EVENTS: Final = rows.Table("events", PublicEvent)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """`types` empty: all."""

    types: Sequence[str] = ()
    created_from: datetime | None = None
    created_to: datetime | None = None


# The new events, each with the enabled endpoints that want it.
_INSERT: Final = f"""
WITH inserted AS (
    INSERT INTO events ({", ".join(EVENTS.columns)})
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[],
        $7::timestamptz[], $8::text[])
    ON CONFLICT DO NOTHING RETURNING merchant_id, id, type
)
SELECT inserted.merchant_id, inserted.id AS event_id, type, endpoint.id AS endpoint_id
FROM inserted
JOIN (SELECT DISTINCT * FROM unnest($3::text[], $9::text[])) AS known (type, wildcard) USING (type)
JOIN webhook_endpoints AS endpoint ON endpoint.merchant_id = inserted.merchant_id
    AND endpoint.state = 'enabled'
    AND (endpoint.event_types = '{{}}' OR endpoint.event_types && ARRAY[type, wildcard])"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event to be delivered to an endpoint."""

    merchant_id: str
    event_id: str
    type: str
    endpoint_id: str


async def insert_events(conn: Conn, events: Sequence[PublicEvent]) -> Sequence[Wanted]:
    """The endpoints that want the new ones of these events."""
    wildcards = [public_events.wildcard_of(event.type) for event in events]
    found = await conn.fetch(_INSERT, *EVENTS.arrays(events), wildcards)
    return [Wanted(**row) for row in found]


async def deliver(conn: Conn, wanted: Sequence[Wanted]) -> None:
    """Creates a delivery for each, due now. An endpoint deleted meanwhile gets none.

    Endpoints are not locked: the feed and the recording of attempts must not wait for each other.
    Deliveries created while an endpoint is being disabled fail when they are claimed.
    """
    await conn.execute(
        "INSERT INTO webhook_deliveries (merchant_id, id, endpoint_id, event_id, event_type, due_at)"
        " SELECT new.merchant_id, new.id, new.endpoint_id, event_id, event_type, now()"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])"
        "   AS new (merchant_id, id, endpoint_id, event_id, event_type)"
        " JOIN webhook_endpoints AS endpoint"
        "   ON (endpoint.merchant_id, endpoint.id) = (new.merchant_id, new.endpoint_id)",
        [each.merchant_id for each in wanted],
        [ids.new("whd") for _ in wanted],
        [each.endpoint_id for each in wanted],
        [each.event_id for each in wanted],
        [each.type for each in wanted],
    )


async def rewrite_of_customer(
    conn: Conn, merchant_id: str, customer_id: str, left: Callable[[PublicEvent], bytes]
) -> None:
    """Replaces each event about a customer with what `left` returns."""
    where = "WHERE merchant_id = $1 AND customer_id = $2 ORDER BY id FOR NO KEY UPDATE"
    events = await EVENTS.all(conn, where, merchant_id, customer_id)
    await conn.execute(
        "UPDATE events SET body = new.body FROM unnest($2::text[], $3::bytea[]) AS new (id, body)"
        " WHERE events.merchant_id = $1 AND events.id = new.id",
        merchant_id,
        [event.id for event in events],
        [left(event) for event in events],
    )


async def wanting(conn: Conn, event: PublicEvent) -> Sequence[Wanted]:
    """The enabled endpoints that want an event and have no pending delivery of it."""
    found = await conn.fetch(
        "SELECT endpoint.id FROM webhook_endpoints AS endpoint"
        " WHERE endpoint.merchant_id = $1 AND endpoint.state = 'enabled'"
        "   AND (endpoint.event_types = '{}' OR endpoint.event_types && $3::text[])"
        "   AND NOT EXISTS ("
        "     SELECT FROM webhook_deliveries AS other WHERE other.merchant_id = $1"
        "       AND other.event_id = $2 AND other.endpoint_id = endpoint.id"
        "       AND other.state = 'pending')"
        " ORDER BY endpoint.id",
        event.merchant_id,
        event.id,
        [event.type, public_events.wildcard_of(event.type)],
    )
    return [Wanted(event.merchant_id, event.id, event.type, row["id"]) for row in found]


async def list_events(
    conn: Conn, merchant_id: str, page: Page, wanted: EventFilter
) -> Listed[PublicEvent]:
    conditions = {
        "merchant_id = {}": merchant_id,
        "type = ANY ({})": wanted.types or None,
        "created_at >= {}": wanted.created_from,
        "created_at < {}": wanted.created_to,
    }
    return await pages.fetch(conn, EVENTS, page, conditions)
