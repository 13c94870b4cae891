"""SQL of endpoints and their secrets."""

from datetime import datetime
from typing import Final

from libs.db import Conn, Row
from libs.pages import Page
from services.notify.webhooks.rules.domain import DisabledReason, Endpoint, EndpointState

_COLUMNS: Final = """merchant_id, id, state, url, description, event_types, created_at,
    disabled_reason, failing_since, exhausted"""
_SELECT: Final = f"""
SELECT {_COLUMNS}, (
    SELECT max(expires_at) FROM webhook_secrets AS secret
    WHERE secret.merchant_id = endpoint.merchant_id AND secret.endpoint_id = endpoint.id
      AND expires_at > now()
) AS previous_secret_expires_at
FROM webhook_endpoints AS endpoint
WHERE merchant_id = $1 AND id """  # noqa: S608 - our own column list


async def lock_merchant(conn: Conn, merchant_id: str) -> None:
    """One at a time makes endpoints of a merchant: their number is limited."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('webhook_endpoints ' || $1, 0))", merchant_id
    )


async def count(conn: Conn, merchant_id: str) -> int:
    found: int = await conn.fetchval(
        "SELECT count(*) FROM webhook_endpoints WHERE merchant_id = $1", merchant_id
    )
    return found


async def insert(conn: Conn, endpoint: Endpoint) -> None:
    await conn.execute(
        f"INSERT INTO webhook_endpoints ({_COLUMNS})"  # noqa: S608 - our own column list
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        endpoint.merchant_id,
        endpoint.id,
        endpoint.state.value,
        endpoint.url,
        endpoint.description,
        list(endpoint.event_types),
        endpoint.created_at,
        _value(endpoint.disabled_reason),
        endpoint.failing_since,
        endpoint.exhausted,
    )


async def get(conn: Conn, merchant_id: str, endpoint_id: str) -> Endpoint | None:
    row = await conn.fetchrow(f"{_SELECT} = $2", merchant_id, endpoint_id)
    return _endpoint(row) if row else None


async def lock(conn: Conn, merchant_id: str, endpoint_id: str) -> Endpoint | None:
    """Locked before any delivery of it: the one order in which nobody waits for ever."""
    row = await conn.fetchrow(f"{_SELECT} = $2 FOR NO KEY UPDATE", merchant_id, endpoint_id)
    return _endpoint(row) if row else None


async def page(conn: Conn, merchant_id: str, wanted: Page) -> list[Endpoint]:
    """One more than the page holds, newest first."""
    rows = await conn.fetch(
        f"{_SELECT} < $2 ORDER BY id DESC LIMIT $3", merchant_id, wanted.before, wanted.limit + 1
    )
    return [_endpoint(row) for row in rows]


async def save(conn: Conn, before: Endpoint, after: Endpoint) -> bool:
    """False when it is not in the state that the decision was made in."""
    touched = await conn.execute(
        "UPDATE webhook_endpoints SET state = $4, url = $5, description = $6, event_types = $7,"
        " disabled_reason = $8, failing_since = $9, exhausted = $10"
        " WHERE merchant_id = $1 AND id = $2 AND state = $3",
        before.merchant_id,
        before.id,
        before.state.value,
        after.state.value,
        after.url,
        after.description,
        list(after.event_types),
        _value(after.disabled_reason),
        after.failing_since,
        after.exhausted,
    )
    return touched == 1


async def delete(conn: Conn, merchant_id: str, endpoint_id: str) -> bool:
    """With its secrets and deliveries; False when there is none."""
    touched = await conn.execute(
        "DELETE FROM webhook_endpoints WHERE merchant_id = $1 AND id = $2", merchant_id, endpoint_id
    )
    return touched == 1


async def insert_secret(conn: Conn, merchant_id: str, endpoint_id: str, sealed: str) -> None:
    await conn.execute(
        "INSERT INTO webhook_secrets (merchant_id, endpoint_id, sealed) VALUES ($1, $2, $3)",
        merchant_id,
        endpoint_id,
        sealed,
    )


async def end_secret(conn: Conn, merchant_id: str, endpoint_id: str, at: datetime) -> None:
    """Give the current secret an end."""
    await conn.execute(
        "UPDATE webhook_secrets SET expires_at = $3"
        " WHERE merchant_id = $1 AND endpoint_id = $2 AND expires_at IS NULL",
        merchant_id,
        endpoint_id,
        at,
    )


async def delete_old_secrets(
    conn: Conn, merchant_id: str, endpoint_id: str, *, now: datetime, keep: int
) -> None:
    """Those that have ended, and the oldest beyond `keep`."""
    await conn.execute(
        "DELETE FROM webhook_secrets WHERE merchant_id = $1 AND endpoint_id = $2"
        " AND (expires_at <= $4 OR number <= ("
        "   SELECT number FROM webhook_secrets WHERE merchant_id = $1 AND endpoint_id = $2"
        "   ORDER BY number DESC OFFSET $3 LIMIT 1))",
        merchant_id,
        endpoint_id,
        keep,
        now,
    )


def _value(reason: DisabledReason | None) -> str | None:
    return reason.value if reason else None


def _endpoint(row: Row) -> Endpoint:
    values = dict(row)
    reason = values.pop("disabled_reason")
    return Endpoint(
        **{
            **values,
            "state": EndpointState(values["state"]),
            "event_types": tuple(values["event_types"]),
        },
        disabled_reason=DisabledReason(reason) if reason else None,
    )
