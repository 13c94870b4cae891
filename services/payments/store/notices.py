"""SQL of the inbox of PSP webhooks, and of disputes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs import rows
from libs.db import Conn
from services.payments.rules.domain import Dispute
from services.payments.rules.states import AttemptKind, AttemptState, State
from services.payments.store.accounts import PspAccount

_TAKE: Final = """
INSERT INTO psp_events (merchant_id, psp_account_id, psp_event_id, body, handled_at)
VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING"""


async def take(conn: Conn, account: PspAccount, psp_event_id: str, body: bytes) -> bool:
    """Stores a PSP's event as handled in this transaction; False if it already was."""
    return await conn.execute(_TAKE, account.merchant_id, account.id, psp_event_id, body) == 1


# Only attempts that recovery watches: a small part of the table, with an index.
_ANY_WITHOUT_REFERENCE: Final = """
SELECT EXISTS (SELECT FROM attempts
    WHERE next_recovery_at IS NOT NULL AND merchant_id = $1 AND psp_account_id = $2
        AND kind = 'authorise' AND state IN ('started', 'unknown') AND psp_reference = ''
        AND started_at < $3::timestamptz + $4::interval AND $3 > now() - $5::interval)"""


async def is_any_without_reference(
    conn: Conn, account: PspAccount, *, told_at: datetime, skew: timedelta, max_age: timedelta
) -> bool:
    """Whether an unanswered authorisation may belong to the charge in a notice of `told_at`.

    By real time, not a test clock. Notices older than `max_age` do not wait.
    """
    times = (told_at, skew, max_age)
    return bool(
        await conn.fetchval(_ANY_WITHOUT_REFERENCE, account.merchant_id, account.id, *times)
    )


_TAKE_STALE: Final = """
WITH standing AS (
    SELECT payments.traceparent
    FROM attempts JOIN payments
        ON payments.merchant_id = attempts.merchant_id AND payments.id = attempts.payment_id
    WHERE attempts.merchant_id = $1 AND attempts.id = $5 AND attempts.psp_account_id = $2
        AND attempts.kind = $6
        AND (attempts.state, payments.state) IN (SELECT * FROM unnest($7::text[], $8::text[]))
), taken AS (
    INSERT INTO psp_events (merchant_id, psp_account_id, psp_event_id, body, handled_at)
    SELECT $1, $2, $3, $4, now() FROM standing ON CONFLICT DO NOTHING RETURNING psp_event_id
)
SELECT traceparent, EXISTS (SELECT FROM taken) AS fresh FROM standing"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether it was new to the inbox, and the trace of its payment."""

    fresh: bool
    traceparent: str


async def take_stale(
    conn: Conn,
    account: PspAccount,
    psp_event_id: str,
    body: bytes,
    *,
    attempt_id: str,
    kind: AttemptKind,
    known: Sequence[tuple[AttemptState, State]],
) -> Taken | None:
    """As `take`, if attempt and payment are already in the reported state; None, without storing
    anything, if it may change something.
    """
    row = await conn.fetchrow(
        _TAKE_STALE,
        account.merchant_id,
        account.id,
        psp_event_id,
        body,
        attempt_id,
        kind.value,
        [state.value for state, _ in known],
        [payment_state.value for _, payment_state in known],
    )
    return None if row is None else Taken(row["fresh"], row["traceparent"])


DISPUTES: Final = rows.Table("disputes", Dispute)
_SAVE_DISPUTE: Final = f"""{DISPUTES.insert(psp_account_id="{}")}
ON CONFLICT (merchant_id, id) DO UPDATE SET state = EXCLUDED.state,
    amount_minor = EXCLUDED.amount_minor, reason = EXCLUDED.reason, told_at = EXCLUDED.told_at"""


async def save_dispute(conn: Conn, dispute: Dispute, *, psp_account_id: str) -> None:
    """Its payment is locked."""
    await conn.execute(_SAVE_DISPUTE, *DISPUTES.values(dispute), psp_account_id)
