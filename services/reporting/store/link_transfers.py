"""SQL of credits reported to paylink."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs.db import Conn
from libs.rows import Table
from services.reporting.rules.lines import MOST_LINK_TEXT
from services.reporting.rules.link_transfers import LinkTransfer, LinkTransferState
from services.reporting.store.imports import LOAD_SECONDS, ONCE

LINK_TRANSFERS: Final = Table("link_transfers", LinkTransfer)
_MOST_REFERENCE: Final = 100  # characters that paylink accepts

# A line is reported under the bank's reference, in paylink's normal form, so that paylink recognises
# a transfer already reported. Of several lines with the same reference, the first uses it; the
# others use their own ids.
_ADD: Final = f"""
WITH named AS (
    SELECT *, CASE
        WHEN length(bank_reference) <= {_MOST_REFERENCE}
        THEN upper(regexp_replace(bank_reference, '\\s', '', 'g')) END AS booking
    FROM {ONCE} WHERE names_link
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY booking ORDER BY id) AS nth FROM named
)
INSERT INTO link_transfers
    (merchant_id, id, state, bank_reference, amount_minor, currency, text, booked_on, due_at, created_at)
SELECT merchant_id, id, 'pending', CASE
        WHEN booking <> '' AND nth = 1 AND NOT EXISTS (
            SELECT FROM link_transfers AS known
            WHERE known.merchant_id = $1 AND known.bank_reference = booking)
        THEN booking ELSE id END,
    amount_minor, currency,
    left(concat_ws(' ', creditor_reference, text, end_to_end_reference), {MOST_LINK_TEXT}), booked_on, now(), created_at
FROM numbered
ON CONFLICT DO NOTHING"""  # noqa: S608 - made of constants


async def add(conn: Conn, merchant_id: str, import_id: str) -> None:
    """Adds transfers for the inserted lines; called before the staging table is cleared."""
    await conn.raw.execute(_ADD, merchant_id, import_id, timeout=LOAD_SECONDS)


async def end(
    conn: Conn,
    transfer: LinkTransfer,
    state: LinkTransferState,
    outcome: str,
    *,
    bank_transfer_id: str | None = None,
    payment_link_id: str | None = None,
    now: datetime,
) -> None:
    """Stores the first answer; later ones change nothing."""
    await LINK_TRANSFERS.change(
        conn,
        transfer,
        "state = $3, outcome = $4, bank_transfer_id = $5, payment_link_id = $6, settled_at = $7,"
        " due_at = NULL, text = NULL",
        state.value,
        outcome,
        bank_transfer_id,
        payment_link_id,
        now,
        only="state = 'pending'",
    )


async def of_lines(
    conn: Conn, merchant_id: str, line_ids: Sequence[str]
) -> dict[str, LinkTransfer]:
    found = await LINK_TRANSFERS.all(
        conn, "WHERE merchant_id = $1 AND id = ANY ($2)", merchant_id, list(line_ids)
    )
    return {each.id: each for each in found}
