"""SQL of one-click sessions."""

from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from services.oneclick.rules.sessions import (
    SESSION_TRANSITIONS,
    Session,
    SessionEvent,
    SessionState,
)

_SESSIONS: Final = rows.Table("sessions", Session)

insert: Final = _SESSIONS.add
get: Final = _SESSIONS.get
lock: Final = _SESSIONS.lock


async def start_paying(conn: Conn, session: Session, charge_id: str) -> None:
    """The session is locked in this transaction; its next attempt is this charge."""
    before, after = SessionState.OPEN, SESSION_TRANSITIONS[SessionState.OPEN, SessionEvent.PAY]
    paying = "state = $4, charge_id = $5, payment_id = NULL, tries = tries + 1"
    values = (before.value, after.value, charge_id)
    await _SESSIONS.change(conn, session, paying, *values, only="state = $3")


async def close_all(conn: Conn, merchant_id: str, customer_id: str, now: datetime) -> None:
    """Closes an erased customer's open sessions. Items and metadata are deleted: the record of the
    money needs neither.
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
