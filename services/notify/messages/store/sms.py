"""SQL of claiming text messages for sending: marked and counted in one statement."""

from dataclasses import dataclass
from datetime import date, timedelta

from libs.db import Conn
from services.notify.messages.rules.domain import Message


@dataclass(frozen=True, slots=True)
class Taken:
    """`ours`: the attempt is still this worker's. `marked`: the message may be sent, as number
    `used`.

    `used` is None for a message counted at an earlier attempt.
    """

    ours: bool
    marked: bool
    used: int | None


async def take(
    conn: Conn,
    message: Message,
    *,
    month: date,
    most: int | None,
    body_sha256: str,
    lease: timedelta,
) -> Taken:
    """Marks the attempt of an SMS and counts it, unless the month's count has reached `most`. None:
    no limit.
    """
    row = await conn.fetchrow(
        "WITH try AS ("
        "  SELECT merchant_id, id, counted_in FROM messages"
        "  WHERE merchant_id = $1 AND id = $2 AND attempts = $3 AND state = 'sending'"
        "    AND handing_over_at IS NULL FOR NO KEY UPDATE"
        "), counted AS ("
        "  INSERT INTO sms_quotas AS quota (merchant_id, month, used)"
        "  SELECT merchant_id, $6, 1 FROM try"
        "  WHERE counted_in IS NULL AND ($7::integer IS NULL OR $7 > 0)"
        "  ON CONFLICT (merchant_id, month) DO UPDATE SET used = quota.used + 1"
        "    WHERE $7 IS NULL OR quota.used < $7"
        "  RETURNING used"
        "), marked AS ("
        "  UPDATE messages SET handing_over_at = now(),"
        "    body_sha256 = $5, counted_in = coalesce(messages.counted_in, $6)"
        "  FROM try WHERE messages.merchant_id = try.merchant_id AND messages.id = try.id"
        "    AND (try.counted_in IS NOT NULL OR EXISTS (SELECT FROM counted))"
        "  RETURNING messages.id"
        "), leased AS ("
        "  UPDATE due_messages SET leased_until = now() + $4::interval"
        "  WHERE merchant_id = $1 AND id = $2 AND EXISTS (SELECT FROM marked)"
        "), noted AS ("
        "  UPDATE message_attempts SET handing_over_at = now()"
        "  WHERE merchant_id = $1 AND message_id = $2 AND number = $3"
        "    AND EXISTS (SELECT FROM marked)"
        ") SELECT EXISTS (SELECT FROM try) AS ours, EXISTS (SELECT FROM marked) AS marked,"
        "  (SELECT used FROM counted) AS used",
        message.merchant_id,
        message.id,
        message.attempts,
        lease,
        body_sha256,
        month,
        most,
    )
    if row is None:
        raise AssertionError("a SELECT without FROM answers one row")
    return Taken(row["ours"], row["marked"], row["used"])


async def used(conn: Conn, merchant_id: str, month: date) -> int:
    """How many are counted for the month."""
    counted: int | None = await conn.fetchval(
        "SELECT used FROM sms_quotas WHERE merchant_id = $1 AND month = $2", merchant_id, month
    )
    return counted or 0
