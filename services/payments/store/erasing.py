"""SQL for erased customers: the record of the money stays, personal data goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from libs.db import Conn
from libs.queues import Queue

# Calls whose stored answers are a Payment.
ANSWERING_PAYMENTS: Final = (
    "CreatePayment",
    "CapturePayment",
    "CancelPayment",
    "LowerPayment",
    "RefundPayment",
)
_DUE: Final = Queue("erasures", columns="merchant_id, customer_id")
# A PSP refuses a key with a different body, and a shopper may return from a challenge: a payment in
# progress keeps what it needs until it ends.
_UNDER_WAY: Final = "state IN ('processing', 'requires_action')"
_ERASE: Final = f"""
WITH found AS (
    SELECT id FROM payments
    WHERE merchant_id = $1 AND customer_id = $2 AND NOT {_UNDER_WAY}
      AND (metadata <> '{{}}' OR description <> '' OR return_url <> '' OR EXISTS (
        SELECT FROM attempts WHERE attempts.merchant_id = $1 AND payment_id = payments.id
          AND reason <> ''))
    ORDER BY id LIMIT $3 FOR NO KEY UPDATE
), erased AS (
    UPDATE payments SET metadata = '{{}}', description = '', return_url = ''
    FROM found WHERE merchant_id = $1 AND payments.id = found.id
), reasons AS (
    UPDATE attempts SET reason = ''
    FROM found WHERE merchant_id = $1 AND payment_id = found.id AND reason <> ''
)
SELECT found.id AS payment_id,
    ARRAY(SELECT id FROM attempts WHERE merchant_id = $1 AND payment_id = found.id) AS attempt_ids
FROM found"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Erasure:
    """A customer whose personal data is being erased."""

    merchant_id: str
    customer_id: str
    clock_offset_seconds: int = 0  # nothing here depends on the time


async def ask(conn: Conn, erasure: Erasure) -> None:
    """Begins or restarts the erasure."""
    await conn.execute(
        "INSERT INTO erasures (merchant_id, customer_id) VALUES ($1, $2)"
        " ON CONFLICT ON CONSTRAINT erasures_pkey DO UPDATE SET asked_at = now(), due_at = now()",
        erasure.merchant_id,
        erasure.customer_id,
    )


# Each is claimed again in an hour until it is finished.
CLAIM_DUE: Final = _DUE.claim("""
UPDATE erasures SET due_at = now() + interval '1 hour' FROM due
WHERE (erasures.merchant_id, erasures.customer_id) = (due.merchant_id, due.customer_id)
RETURNING erasures.merchant_id, erasures.customer_id""")


@dataclass(frozen=True, slots=True)
class Erased:
    """A payment without personal data; its events and answers are found by these ids."""

    payment_id: str
    attempt_ids: Sequence[str]


async def erase_payments(conn: Conn, erasure: Erasure, limit: int) -> Sequence[Erased]:
    """Erases up to `limit` payments that have ended and still contain personal data."""
    rows = await conn.fetch(_ERASE, erasure.merchant_id, erasure.customer_id, limit)
    return [Erased(row["payment_id"], row["attempt_ids"]) for row in rows]


async def end(conn: Conn, erasure: Erasure) -> None:
    """Ends the erasure after a day, if nothing is in progress: by then, last clicks have arrived."""
    await conn.execute(
        "DELETE FROM erasures WHERE merchant_id = $1 AND customer_id = $2"  # noqa: S608 - made of constants
        " AND asked_at < now() - interval '1 day' AND NOT EXISTS ("
        f"   SELECT FROM payments WHERE merchant_id = $1 AND customer_id = $2 AND {_UNDER_WAY})",
        erasure.merchant_id,
        erasure.customer_id,
    )
