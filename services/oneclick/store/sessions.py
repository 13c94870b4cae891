"""SQL of one-click sessions."""

from datetime import datetime

from libs.db import Conn, Row
from libs.money import Money
from services.oneclick.rules.domain import CaptureMode
from services.oneclick.rules.sessions import (
    SESSION_TRANSITIONS,
    Session,
    SessionEvent,
    SessionState,
)
from services.oneclick.store.items import items_json, items_of

_SELECT = (
    "SELECT id, merchant_id, customer_id, state, secret_hash, amount_minor, currency, capture,"
    " grace_seconds, order_reference, return_url, metadata, charge_id, payment_id, tries,"
    " expires_at, created_at, items FROM sessions"
)


def _session(row: Row) -> Session:
    return Session(
        id=row["id"],
        merchant_id=row["merchant_id"],
        customer_id=row["customer_id"],
        state=SessionState(row["state"]),
        secret_hash=row["secret_hash"],
        amount=Money(row["amount_minor"], row["currency"]),
        capture=CaptureMode(row["capture"]),
        grace_seconds=row["grace_seconds"],
        order_reference=row["order_reference"],
        return_url=row["return_url"],
        metadata=row["metadata"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        items=items_of(row["items"]),
        charge_id=row["charge_id"],
        payment_id=row["payment_id"],
        tries=row["tries"],
    )


async def insert(conn: Conn, session: Session) -> None:
    await conn.execute(
        "INSERT INTO sessions (merchant_id, id, customer_id, state, secret_hash, amount_minor,"
        " currency, capture, grace_seconds, order_reference, return_url, metadata, expires_at,"
        " created_at, items)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        session.merchant_id,
        session.id,
        session.customer_id,
        session.state.value,
        session.secret_hash,
        session.amount.amount_minor,
        session.amount.currency,
        session.capture.value,
        session.grace_seconds,
        session.order_reference,
        session.return_url,
        dict(session.metadata),
        session.expires_at,
        session.created_at,
        items_json(session.items),
    )


async def get(conn: Conn, merchant_id: str, session_id: str) -> Session | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2", merchant_id, session_id
    )
    return None if row is None else _session(row)


async def lock(conn: Conn, merchant_id: str, session_id: str) -> Session | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2 FOR UPDATE", merchant_id, session_id
    )
    return None if row is None else _session(row)


async def start_paying(conn: Conn, session: Session, charge_id: str) -> None:
    """The session was locked in this transaction; its next try is this charge."""
    before, after = SessionState.OPEN, SESSION_TRANSITIONS[SessionState.OPEN, SessionEvent.PAY]
    await conn.execute(
        "UPDATE sessions SET state = $4, charge_id = $5, payment_id = NULL, tries = tries + 1"
        " WHERE merchant_id = $1 AND id = $2 AND state = $3",
        session.merchant_id,
        session.id,
        before.value,
        after.value,
        charge_id,
    )


async def close_all(conn: Conn, merchant_id: str, customer_id: str, now: datetime) -> None:
    """Open sessions of an erased customer are over. What was bought is forgotten with the
    storefront's own keys: the money trail needs neither.
    """
    await conn.execute(
        "WITH unanswered AS ("
        "  DELETE FROM idempotency_keys WHERE merchant_id = $1 AND resource_id LIKE 'ocs\\_%'"
        "  AND resource_id IN (SELECT id FROM sessions WHERE merchant_id = $1 AND customer_id = $2)"
        "), forgotten AS ("
        "  UPDATE charges SET items = '[]', lowering = jsonb_set(lowering, '{items}', '[]')"
        "  WHERE merchant_id = $1 AND customer_id = $2"
        ")"
        " UPDATE sessions SET metadata = '{}', items = '[]', expires_at = least(expires_at, $3)"
        " WHERE merchant_id = $1 AND customer_id = $2",
        merchant_id,
        customer_id,
        now,
    )
