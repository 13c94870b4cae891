"""Counters of declines: pieces for the statements that write an intent and record an outcome.

A window ends at `window_ends_at`; declines of an older one no longer count. Attempts in progress
count until their outcome is known, however long that takes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs import ids, outbox
from libs.db import Conn
from libs.outbox import NewEvent
from services.payments.rules.velocity import HOUR, MERCHANT, Count, LimitedSubject


def barred_sql(first: int, *, merchant: str, now: str) -> str:
    """Returns one `subject` that has used up its declines, if any.

    Parameters: the first three of `subject_values`, from number `first` on. The merchant is blocked
    only while more new cards were declined than accepted within the last hour.
    """
    subjects, most, since = (f"${first + n}" for n in range(3))
    return f"""
    SELECT counter.subject FROM decline_counters AS counter
    JOIN unnest({subjects}::text[], {most}::int[]) AS asked (subject, most)
        ON asked.subject = counter.subject
    WHERE counter.merchant_id = {merchant}
      AND counter.under_way + CASE WHEN counter.window_ends_at > {now}
        THEN counter.declines ELSE 0 END >= asked.most
      AND (counter.subject <> '{MERCHANT}' OR counter.declines > (
        SELECT count(*) FROM (
            SELECT FROM payments AS taken
            WHERE taken.merchant_id = {merchant} AND taken.id > {since}::text
              AND taken.instrument_id = '' AND taken.authorised_minor > 0
            LIMIT counter.declines) AS taken))
    LIMIT 1"""  # noqa: S608 - made of constants


def reserve_sql(first: int, *, merchant: str, now: str) -> str:
    """Counts an attempt as in progress, once its `payment` is written; parameters as for
    barred_sql.

    Rows are locked in order and after the payment's, as when an outcome is recorded.
    """
    subjects, window, reserves = (f"${first + n}" for n in (0, 3, 4))
    return f"""
    INSERT INTO decline_counters AS counter
        (merchant_id, subject, declines, under_way, window_ends_at)
    SELECT {merchant}, subject, 0, 1, {now} + per
    FROM unnest({subjects}::text[], {window}::interval[], {reserves}::boolean[])
        AS asked (subject, per, reserves)
    WHERE reserves AND EXISTS (SELECT FROM payment)
    ORDER BY subject
    ON CONFLICT ON CONSTRAINT decline_counters_pkey DO UPDATE
        SET under_way = counter.under_way + 1"""  # noqa: S608 - made of constants


def subject_values(subjects: Sequence[LimitedSubject]) -> tuple[object, ...]:
    """The five parameters of `barred_sql` and `reserve_sql`."""
    return (
        [each.subject for each in subjects],
        [each.limit.declines for each in subjects],
        ids.earliest("pay", ago=HOUR),
        [each.limit.window for each in subjects],
        [each.reserves for each in subjects],
    )


def count_sql(first: int, *, merchant: str, when: str) -> str:
    """Adds to counters and returns `subject` and `reached`: this decline was the last one allowed.

    `count_values` are its parameters, from number `first` on.
    """
    subjects, declines, under_way, most, window, now = (f"${first + n}" for n in range(6))
    return f"""
    INSERT INTO decline_counters AS counter
        (merchant_id, subject, declines, under_way, window_ends_at)
    SELECT {merchant}, subject, declines, under_way, {now}::timestamptz + per
    FROM unnest({subjects}::text[], {declines}::int[], {under_way}::int[], {window}::interval[])
        AS added (subject, declines, under_way, per)
    WHERE {when}
    ORDER BY subject
    ON CONFLICT ON CONSTRAINT decline_counters_pkey DO UPDATE
        SET under_way = greatest(counter.under_way + EXCLUDED.under_way, 0),
            declines = EXCLUDED.declines
                + CASE WHEN counter.window_ends_at > {now} THEN counter.declines ELSE 0 END,
            window_ends_at = CASE WHEN counter.window_ends_at > {now} THEN counter.window_ends_at
                ELSE EXCLUDED.window_ends_at END
    RETURNING subject, EXISTS (
        SELECT FROM unnest({subjects}::text[], {declines}::int[], {most}::int[])
            AS added (subject, declines, most)
        WHERE added.subject = counter.subject AND added.declines > 0
          AND added.most = counter.declines) AS reached"""  # noqa: S608 - made of constants


def count_values(counts: Sequence[Count], now: datetime) -> tuple[object, ...]:
    """The six parameters of `count_sql`. `now` is by the merchant's clock."""
    return (
        [count.limited.subject for count in counts],
        [count.declines for count in counts],
        [count.under_way for count in counts],
        [count.limited.limit.declines for count in counts],
        [count.limited.limit.window for count in counts],
        now,
    )


_BARRED: Final = barred_sql(3, merchant="$1", now="$2::timestamptz")


async def barred(
    conn: Conn, merchant_id: str, subjects: Sequence[LimitedSubject], now: datetime
) -> str | None:
    """A subject that has used up its declines."""
    found = await conn.fetchval(_BARRED, merchant_id, now, *subject_values(subjects)[:3])
    return str(found) if found else None


_COUNT: Final = f"""
WITH counted AS ({count_sql(2, merchant="$1", when="true")})
{outbox.insert_sql(8)} aggregate_id IN (SELECT subject FROM counted WHERE reached)"""  # noqa: S608 - made of constants


async def count(
    conn: Conn, merchant_id: str, counts: Sequence[Count], alarms: Sequence[NewEvent], now: datetime
) -> None:
    """For declines that are not recorded with an outcome of ours. Each alarm's aggregate is a
    subject: it is published when that subject has used up its declines.
    """
    await conn.execute(
        _COUNT, merchant_id, *count_values(counts, now), *outbox.insert_values(alarms)
    )
