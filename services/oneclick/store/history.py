"""SQL of payments with an instrument since its shopper's last challenge, by any method."""

from collections.abc import Mapping
from typing import Final

from libs import rows
from libs.db import Conn
from libs.payments.answer import ScaHistory
from services.oneclick.rules.domain import OtherMethodPayment

SCA_WINDOW: Final = 10  # payments considered: exemptions end at five


def since_challenge_sql(
    *, merchant: str, instrument: str, currency: str, challenge: str, window: str
) -> str:
    """A row (payments, amount_minor). The arguments are parameters or columns; `challenge`: the
    time of the last one.

    Each table contributes its latest few by index, so a long history costs no more.
    """
    latest = " UNION ALL ".join(
        f"(SELECT amount_minor, created_at FROM {table} WHERE merchant_id = {merchant}"  # noqa: S608 - made of constants
        f" AND instrument_id = {instrument} AND currency = {currency}"
        f" AND ({challenge} IS NULL OR created_at > {challenge}) AND {counted}"
        f" ORDER BY created_at DESC LIMIT {window})"
        for table, counted in (
            ("charges", "state IN ('started', 'under_way', 'succeeded')"),
            ("payments_elsewhere", "NOT failed"),
        )
    )
    return f"""SELECT count(*)::integer AS payments, coalesce(sum(amount_minor), 0)::bigint AS amount_minor
    FROM (SELECT amount_minor FROM ({latest}) AS both_tables
        ORDER BY created_at DESC LIMIT {window}) AS latest"""  # noqa: S608 - made of constants


_OF_CUSTOMER: Final = f"""
SELECT instruments.id, history.payments, history.amount_minor
FROM instruments CROSS JOIN LATERAL ({
    since_challenge_sql(
        merchant="$1",
        instrument="instruments.id",
        currency="$3",
        challenge="instruments.last_challenge_at",
        window="$4",
    )
}) AS history
WHERE instruments.merchant_id = $1 AND instruments.customer_id = $2
    AND instruments.state = 'active'"""  # noqa: S608 - made of constants


async def of_customer(
    conn: Conn, merchant_id: str, customer_id: str, currency: str
) -> Mapping[str, ScaHistory]:
    """By the id of each active instrument; amounts in this currency only."""
    found = await conn.fetch(_OF_CUSTOMER, merchant_id, customer_id, currency, SCA_WINDOW)
    return {row["id"]: ScaHistory(row["payments"], row["amount_minor"]) for row in found}


# Flags are only ever set, so that any order and number of events gives the same row. A passed
# challenge restarts the history, as does one of a click.
_OTHER_METHODS: Final = rows.Table("payments_elsewhere", OtherMethodPayment)
_MARKS: Final = _OTHER_METHODS.marks()
_OURS: Final = f"merchant_id = {_MARKS['merchant_id']} AND id = {_MARKS['instrument_id']}"
_FOLLOW: Final = f"""
WITH followed AS (
    INSERT INTO payments_elsewhere AS known ({", ".join(_MARKS)})
    SELECT {", ".join(_MARKS.values())} WHERE EXISTS (SELECT FROM instruments WHERE {_OURS})
    ON CONFLICT (merchant_id, payment_id) DO UPDATE SET
        challenged = known.challenged OR EXCLUDED.challenged,
        succeeded = known.succeeded OR EXCLUDED.succeeded,
        failed = known.failed OR EXCLUDED.failed
    RETURNING challenged AND succeeded AS passed
)
UPDATE instruments SET last_challenge_at = greatest(last_challenge_at, {_MARKS["created_at"]})
FROM followed WHERE {_OURS} AND passed"""  # noqa: S608 - made of constants


async def follow(conn: Conn, payment: OtherMethodPayment) -> None:
    """Does nothing if the instrument is not ours."""
    await conn.execute(_FOLLOW, *_OTHER_METHODS.values(payment))
