"""SQL of deliveries and their attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs import public_events, rows
from libs.db import Conn
from libs.queues import Room
from services.notify.webhooks.rules.domain import (
    MOST_REPLAYED,
    SHOWN_TRIES,
    Attempt,
    Delivery,
    Endpoint,
    PublicEvent,
    TriedDelivery,
)
from services.notify.webhooks.store.feed import EVENTS, Wanted

DELIVERIES: Final = rows.Table("webhook_deliveries", Delivery)
_ATTEMPTS: Final = rows.Table("webhook_attempts", Attempt, sql={"retry_after": "NULL::interval"})
_INSERT_ATTEMPT: Final = _ATTEMPTS.insert(merchant_id="{}", delivery_id="{}")
TRIED: Final = rows.Table(
    "webhook_deliveries AS delivery",
    TriedDelivery,
    sql={
        "attempts": f"""(
        SELECT coalesce(jsonb_agg(to_jsonb(latest) ORDER BY number), '[]') FROM (
            SELECT * FROM webhook_attempts AS attempt
            WHERE (attempt.merchant_id, delivery_id) = (delivery.merchant_id, delivery.id)
            ORDER BY number DESC LIMIT {SHOWN_TRIES}
        ) AS latest)"""  # noqa: S608 - made of constants
    },
)
LOOKED_AT: Final = 500  # due rows per claim, for endpoints with free slots


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery leased to us, with everything that its attempt needs.

    `sealed`: the secrets, newest first. `enabled`: whether its endpoint is.
    """

    id: str
    merchant_id: str
    endpoint_id: str
    enabled: bool
    url: str
    sealed: tuple[str, ...]
    event: PublicEvent


async def claim_due(conn: Conn, room: Room, lease: timedelta) -> Sequence[DueDelivery]:
    """Due rows, postponed by the lease: a crash only delays them, and other workers skip them.
    Slots are per endpoint.

    Endpoints without free slots are left out, so that their rows do not block the others.
    """
    full = [e for e, count in room.taken.items() if count >= room.share]
    due = await conn.fetch(
        "WITH head AS ("
        "  SELECT merchant_id, id, endpoint_id, due_at FROM webhook_deliveries"
        "  WHERE state = 'pending' AND due_at <= now() AND endpoint_id <> ALL ($1::text[])"
        "  ORDER BY due_at LIMIT $2"
        "), placed AS ("
        "  SELECT merchant_id, id, endpoint_id,"
        "    row_number() OVER (PARTITION BY endpoint_id ORDER BY due_at) AS place FROM head"
        "), due AS ("
        "  SELECT delivery.merchant_id, delivery.id FROM webhook_deliveries AS delivery"
        "  JOIN placed USING (merchant_id, id)"
        "  LEFT JOIN unnest($3::text[], $4::int[]) AS busy (endpoint_id, under_way)"
        "    ON busy.endpoint_id = placed.endpoint_id"
        "  WHERE delivery.state = 'pending' AND delivery.due_at <= now()"
        "    AND place <= $5 - coalesce(under_way, 0)"
        "  ORDER BY delivery.due_at LIMIT $6 FOR UPDATE OF delivery SKIP LOCKED"
        "), leased AS ("
        "  UPDATE webhook_deliveries AS delivery SET due_at = now() + $7::interval FROM due"
        "  WHERE (delivery.merchant_id, delivery.id) = (due.merchant_id, due.id)"
        "  RETURNING delivery.merchant_id, delivery.id, delivery.endpoint_id, delivery.event_id"
        ")"
        " SELECT leased.id AS delivery_id, leased.endpoint_id, endpoint.url,"
        "   endpoint.state = 'enabled' AS enabled, event.*, ARRAY("
        "   SELECT sealed FROM webhook_secrets AS secret"
        "   WHERE (secret.merchant_id, secret.endpoint_id) = (endpoint.merchant_id, endpoint.id)"
        "     AND (expires_at IS NULL OR expires_at > now()) ORDER BY number DESC) AS sealed"
        " FROM leased"
        " JOIN webhook_endpoints AS endpoint ON (endpoint.merchant_id, endpoint.id)"
        "   = (leased.merchant_id, leased.endpoint_id)"
        " JOIN events AS event ON (event.merchant_id, event.id)"
        "   = (leased.merchant_id, leased.event_id)",
        full,
        LOOKED_AT,
        list(room.taken),
        list(room.taken.values()),
        room.share,
        room.rows,
        lease,
    )
    return [
        DueDelivery(
            id=row["delivery_id"],
            merchant_id=row["merchant_id"],
            endpoint_id=row["endpoint_id"],
            enabled=row["enabled"],
            url=row["url"],
            sealed=tuple(row["sealed"]),
            event=EVENTS.read(row),
        )
        for row in due
    ]


async def save(conn: Conn, before: Delivery, after: Delivery) -> None:
    """Saves a delivery locked in this transaction."""
    await conn.execute(
        "UPDATE webhook_deliveries SET state = $4, tries = $5, due_at = $6,"
        " ended_at = CASE WHEN $4 = 'pending' THEN NULL ELSE now() END"
        " WHERE merchant_id = $1 AND id = $2 AND state = $3",
        before.merchant_id,
        before.id,
        before.state.value,
        *DELIVERIES.values(after, "state", "tries", "due_at"),
    )


async def fail_pending(conn: Conn, endpoint: Endpoint) -> None:
    """Fails the pending deliveries of a disabled endpoint."""
    await conn.execute(
        "UPDATE webhook_deliveries SET state = 'failed', due_at = NULL, ended_at = now()"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND state = 'pending'",
        endpoint.merchant_id,
        endpoint.id,
    )


async def missed(
    conn: Conn,
    endpoint: Endpoint,
    *,
    created_from: datetime,
    created_to: datetime | None,
    include_delivered: bool,
) -> Sequence[Wanted]:
    """The events of a period that the endpoint wants and that are not already pending, oldest
    first, 10,000 at most.
    """
    found = await conn.fetch(
        "SELECT event.id, event.type FROM events AS event"
        " WHERE event.merchant_id = $1 AND event.created_at >= $3"
        "   AND ($4::timestamptz IS NULL OR event.created_at < $4) AND event.type <> $7"
        "   AND ($5::text[] = '{}' OR event.type = ANY ($5)"
        "     OR split_part(event.type, '.', 1) || '.*' = ANY ($5))"
        "   AND NOT EXISTS ("
        "     SELECT FROM webhook_deliveries AS other WHERE other.merchant_id = $1"
        "       AND other.event_id = event.id AND other.endpoint_id = $2"
        "       AND (other.state = 'pending' OR (other.state = 'delivered' AND NOT $6)))"
        " ORDER BY event.id LIMIT $8",
        endpoint.merchant_id,
        endpoint.id,
        created_from,
        created_to,
        list(endpoint.event_types),
        include_delivered,
        public_events.TEST,
        MOST_REPLAYED,
    )
    return [Wanted(endpoint.merchant_id, row["id"], row["type"], endpoint.id) for row in found]


async def insert_attempt(conn: Conn, delivery: Delivery, attempt: Attempt) -> None:
    values = _ATTEMPTS.values(attempt)
    await conn.execute(_INSERT_ATTEMPT, *values, delivery.merchant_id, delivery.id)


async def oldest_pending_seconds(conn: Conn) -> float:
    """Age of the oldest pending delivery; 0 if there is none."""
    age: timedelta | None = await conn.fetchval(
        "SELECT now() - min(created_at) FROM webhook_deliveries WHERE state = 'pending'"
    )
    return age.total_seconds() if age else 0.0
