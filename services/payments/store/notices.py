"""The inbox of PSP webhooks, and disputes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from libs.db import Conn
from libs.pages import Page
from services.payments.domain import Dispute
from services.payments.states import DisputeState
from services.payments.store.rows import dispute_of


async def take(
    conn: Conn, *, merchant_id: str, psp_account_id: str, psp_event_id: str, body: bytes
) -> bool:
    """Store a PSP's event as handled in this transaction; False when it had been before."""
    return bool(
        await conn.execute(
            "INSERT INTO psp_events (merchant_id, psp_account_id, psp_event_id, body, handled_at)"
            " VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING",
            merchant_id,
            psp_account_id,
            psp_event_id,
            body,
        )
    )


# Of what recovery watches: a small part of the table, with an index.
_ANY_WITHOUT_REFERENCE: Final = """
SELECT EXISTS (SELECT FROM attempts
    WHERE next_recovery_at IS NOT NULL AND merchant_id = $1 AND psp_account_id = $2
        AND kind = 'authorise' AND state IN ('started', 'unknown') AND psp_reference = ''
        AND started_at < $3::timestamptz + $4::interval AND $3 > now() - $5::interval)"""


async def is_any_without_reference(
    conn: Conn,
    merchant_id: str,
    psp_account_id: str,
    *,
    told_at: datetime,
    skew: timedelta,
    told_within: timedelta,
) -> bool:
    """Whether an authorisation without an answer may be of a charge that the PSP told of `told_at`.

    Times are the world's. What was told longer ago than `told_within` waits for nobody.
    """
    return bool(
        await conn.fetchval(
            _ANY_WITHOUT_REFERENCE,
            merchant_id,
            psp_account_id,
            told_at,
            skew,
            told_within,
        )
    )


_SAVE_DISPUTE: Final = """
INSERT INTO disputes (merchant_id, id, payment_id, state, amount_minor, currency, reason,
    psp_account_id, psp_reference, created_at, told_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (merchant_id, id) DO UPDATE SET state = EXCLUDED.state,
    amount_minor = EXCLUDED.amount_minor, reason = EXCLUDED.reason, told_at = EXCLUDED.told_at"""


async def save_dispute(conn: Conn, dispute: Dispute, *, psp_account_id: str) -> None:
    """Its payment is locked."""
    await conn.execute(
        _SAVE_DISPUTE,
        dispute.merchant_id,
        dispute.id,
        dispute.payment_id,
        dispute.state.value,
        dispute.amount_minor,
        dispute.currency,
        dispute.reason,
        psp_account_id,
        dispute.psp_reference,
        dispute.created_at,
        dispute.told_at,
    )


async def list_disputes(
    conn: Conn, merchant_id: str, state: DisputeState | None, page: Page
) -> Sequence[Dispute]:
    """Newest first, one more than the page holds."""
    rows = await conn.fetch(
        "SELECT * FROM disputes WHERE merchant_id = $1 AND id < $2"
        " AND ($4::text IS NULL OR state = $4) ORDER BY id DESC LIMIT $3",
        merchant_id,
        page.before,
        page.limit + 1,
        state.value if state else None,
    )
    return [dispute_of(row) for row in rows]
