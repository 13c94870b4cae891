"""SQL of endpoints and their secrets. An endpoint is locked before any of its deliveries: the only
order without deadlocks.
"""

from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from services.notify.webhooks.rules.domain import Endpoint

ENDPOINTS: Final = rows.Table(
    "webhook_endpoints AS endpoint",
    Endpoint,
    sql={
        "previous_secret_expires_at": "(SELECT max(expires_at) FROM webhook_secrets AS secret"
        " WHERE (secret.merchant_id, secret.endpoint_id) = (endpoint.merchant_id, endpoint.id)"
        " AND expires_at > now())"
    },
)
_SAVED: Final = ENDPOINTS.but("merchant_id", "id", "created_at")
_SAVE: Final = (
    f"UPDATE webhook_endpoints SET {rows.assignments(_SAVED, first=4)}"  # noqa: S608 - made of constants
    " WHERE merchant_id = $1 AND id = $2 AND state = $3"
)


async def lock_merchant(conn: Conn, merchant_id: str) -> None:
    """Endpoints of a merchant are created one at a time, because their number is limited."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('webhook_endpoints ' || $1, 0))", merchant_id
    )


async def save(conn: Conn, before: Endpoint, after: Endpoint) -> None:
    """Saves an endpoint locked in this transaction."""
    values = ENDPOINTS.values(after, *_SAVED)
    await conn.execute(_SAVE, before.merchant_id, before.id, before.state.value, *values)


async def delete(conn: Conn, merchant_id: str, endpoint_id: str) -> None:
    """Deletes it with its secrets and deliveries."""
    await conn.execute(
        "DELETE FROM webhook_endpoints WHERE merchant_id = $1 AND id = $2", merchant_id, endpoint_id
    )


async def insert_secret(conn: Conn, endpoint: Endpoint, sealed: str) -> None:
    await conn.execute(
        "INSERT INTO webhook_secrets (merchant_id, endpoint_id, sealed) VALUES ($1, $2, $3)",
        endpoint.merchant_id,
        endpoint.id,
        sealed,
    )


async def end_secret(conn: Conn, endpoint: Endpoint, at: datetime) -> None:
    """Sets the end of the current secret."""
    await conn.execute(
        "UPDATE webhook_secrets SET expires_at = $3"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND expires_at IS NULL",
        endpoint.merchant_id,
        endpoint.id,
        at,
    )


async def delete_old_secrets(conn: Conn, endpoint: Endpoint, *, now: datetime, keep: int) -> None:
    """Deletes expired secrets, and the oldest beyond `keep`."""
    await conn.execute(
        "DELETE FROM webhook_secrets WHERE merchant_id = $1 AND endpoint_id = $2"
        " AND (expires_at <= $4 OR number <= ("
        "   SELECT number FROM webhook_secrets WHERE merchant_id = $1 AND endpoint_id = $2"
        "   ORDER BY number DESC OFFSET $3 LIMIT 1))",
        endpoint.merchant_id,
        endpoint.id,
        keep,
        now,
    )
