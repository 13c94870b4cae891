"""SQL of what is old: each statement takes at most `limit` rows, and says how many it took."""

from datetime import timedelta

from libs.db import Conn


async def delete_deliveries(conn: Conn, age: timedelta, limit: int) -> int:
    """With their tries. Those that wait still are kept."""
    return await conn.execute(
        "DELETE FROM webhook_deliveries WHERE (merchant_id, id) IN ("
        "  SELECT merchant_id, id FROM webhook_deliveries WHERE ended_at < now() - $1::interval"
        "  ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        age,
        limit,
    )


async def delete_events(conn: Conn, age: timedelta, limit: int) -> int:
    """Those of which no delivery is kept."""
    return await conn.execute(
        "DELETE FROM events WHERE (merchant_id, id) IN ("
        "  SELECT merchant_id, id FROM events AS event"
        "  WHERE received_at < now() - $1::interval AND NOT EXISTS ("
        "    SELECT FROM webhook_deliveries AS delivery"
        "    WHERE (delivery.merchant_id, delivery.event_id) = (event.merchant_id, event.id))"
        "  ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        age,
        limit,
    )


async def erase_recipients(conn: Conn, age: timedelta, limit: int) -> int:
    """Of messages that ended; what was sent when, and for how much, stays."""
    return await conn.execute(
        "UPDATE messages SET recipient = '', about = about || '{\"name\": \"\"}'"
        " WHERE (merchant_id, id) IN ("
        "  SELECT merchant_id, id FROM messages"
        "  WHERE queued_at < now() - $1::interval AND recipient <> '' AND due_at IS NULL"
        "  ORDER BY queued_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        age,
        limit,
    )


async def delete_notices(conn: Conn, age: timedelta, limit: int) -> int:
    """News of messages that turned out not to be ours."""
    return await conn.execute(
        "DELETE FROM provider_notices WHERE (provider_reference, event) IN ("
        "  SELECT provider_reference, event FROM provider_notices"
        "  WHERE received_at < now() - $1::interval"
        "  ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        age,
        limit,
    )
