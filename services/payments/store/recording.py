"""Records an outcome and everything that follows from it in one statement: all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs import idempotency, outbox
from libs.db import Conn
from libs.idempotency import Key
from libs.outbox import NewEvent
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.states import AttemptState
from services.payments.rules.velocity import Count
from services.payments.store import payments, velocity
from services.payments.store.attempts import ATTEMPTS

# `held` locks both rows in their expected state, the payment first as everywhere. The pieces after
# it all take effect, or do nothing if either row has changed: without a surrounding transaction
# nothing could be rolled back.
_SAVE: Final = f"""
WITH held AS (
    SELECT FROM payments JOIN attempts
        ON attempts.merchant_id = payments.merchant_id AND attempts.payment_id = payments.id
    WHERE payments.merchant_id = $1 AND payments.id = $2
      AND payments.version = $3 AND payments.state = $4
      AND attempts.id = $21 AND attempts.state = $22
    FOR UPDATE),
payment AS ({payments.SAVE_SQL} AND EXISTS (SELECT FROM held) RETURNING id),
attempt AS (
    UPDATE attempts SET state = $23, psp_reference = $24, decline = $25, settled_at = $26,
        next_recovery_at = now() + $27,
        token = CASE WHEN $20 OR $26::timestamptz IS NOT NULL THEN '' ELSE token END,
        psp_customer = CASE WHEN $26::timestamptz IS NOT NULL THEN '' ELSE psp_customer END,
        unresolved_since = CASE WHEN $26::timestamptz IS NULL THEN unresolved_since END
    WHERE merchant_id = $1 AND id = $21 AND state = $22 AND EXISTS (SELECT FROM payment)
    RETURNING id),
events AS ({outbox.insert_sql(28)} EXISTS (SELECT FROM attempt)),
finished AS ({idempotency.finish_sql(36)} AND EXISTS (SELECT FROM attempt)),
counted AS ({velocity.count_sql(40, merchant="$1", when="EXISTS (SELECT FROM attempt)")}),
alarms AS ({outbox.insert_sql(46)} aggregate_id IN (SELECT subject FROM counted WHERE reached))
SELECT FROM attempt"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Following:
    """Written together with an outcome, at the merchant's `now`. A key without an answer is
    unlocked.

    An alarm is published if its aggregate is a subject that has used up its declines with this
    one.
    """

    now: datetime
    events: Sequence[NewEvent] = ()
    key: Key | None = None
    answer: bytes | None = None
    ask_in: timedelta | None = None  # when recovery looks at the attempt
    counts: Sequence[Count] = ()
    alarms: Sequence[NewEvent] = ()


async def save(
    conn: Conn,
    before: tuple[Payment, AttemptState],
    after: tuple[Payment, Attempt],
    following: Following,
) -> bool:
    """Returns False without writing anything if payment or attempt has changed."""
    payment, attempt = after
    return bool(
        await conn.execute(
            _SAVE,
            *payments.saved_values(before[0], payment),
            attempt.id,
            before[1].value,
            *ATTEMPTS.values(attempt, "state", "psp_reference", "decline", "settled_at"),
            following.ask_in,
            *outbox.insert_values(following.events),
            *idempotency.finish_values(following.key, following.answer),
            *velocity.count_values(following.counts, following.now),
            *outbox.insert_values(following.alarms),
        )
    )
