"""SQL of a payment's trail: one statement from its entries to the bank's lines."""

from typing import Final

from libs.db import Conn
from libs.rows import Table
from services.reporting.rules.trails import TrailStep

STEPS: Final = Table("steps", TrailStep)
MOST_ENTRIES: Final = 100
MOST_STEPS: Final = 200
# Our item has the id of its event's entry. Transfers and cash refunds are matched directly at the bank; money
# held by a PSP arrives by payout, which may have several items if lines were added later (`payouts`).
_TRAIL: Final = f"""
WITH own AS (
    SELECT id FROM entries WHERE merchant_id = $1 AND payment_id = $2 ORDER BY id LIMIT {MOST_ENTRIES}
), pairs AS (
    SELECT ours_id, theirs_id, stage, rule, matches.trace_id FROM own JOIN matches ON merchant_id = $1 AND ours_id = own.id
), settled AS (
    SELECT line.*, ours_id, rule FROM pairs
    JOIN settlement_lines AS line ON line.merchant_id = $1 AND line.id = theirs_id WHERE stage = 'psp'
), paid AS (
    SELECT DISTINCT ON (payouts.id) payouts.id, settled.id AS line_id, payouts.party, payouts.payout_reference,
        payouts.currency, payouts.amount_minor, coalesce(payout_on, happened_on) AS happened_on
    FROM settled JOIN payouts ON payouts.merchant_id = $1 AND payouts.party = settled.party
        AND payouts.payout_reference = settled.payout_reference AND payouts.currency = settled.currency
    ORDER BY payouts.id, settled.id
), arrived AS (
    SELECT ours_id, theirs_id, rule FROM pairs WHERE stage = 'bank'
    UNION ALL SELECT ours_id, theirs_id, rule FROM paid JOIN matches ON merchant_id = $1 AND ours_id = paid.id
), banked AS (
    SELECT DISTINCT ON (line.id) line.*, ours_id, rule FROM arrived
    JOIN bank_lines AS line ON line.merchant_id = $1 AND line.id = theirs_id ORDER BY line.id, ours_id
), known AS (
    SELECT id FROM own UNION ALL SELECT id FROM settled UNION ALL SELECT id FROM paid UNION ALL SELECT id FROM banked
), raised AS (
    SELECT id FROM exceptions WHERE merchant_id = $1 AND payment_id = $2
    UNION SELECT found.id FROM known JOIN exceptions AS found ON merchant_id = $1 AND item_id = known.id
), steps (kind, id, follows_id, happened_on, amount_minor, fee_minor, currency, party, reference, import_id, rule,
    exception_type, open, trace_id) AS (
    SELECT 'psp_line', id, ours_id, happened_on, gross_minor, -fee_minor, currency, party, provider_reference, import_id,
        rule, NULL, false, '' FROM settled
    UNION ALL SELECT 'payout', id, line_id, happened_on, amount_minor, NULL, currency, party, payout_reference, NULL,
        NULL, NULL, false, '' FROM paid
    UNION ALL SELECT 'bank_line', id, ours_id, booked_on, amount_minor, NULL, currency, '', bank_reference, import_id,
        rule, NULL, false, '' FROM banked
    UNION ALL SELECT 'exception', found.id, item_id, happened_on, amount_minor, NULL, currency, party, NULL, NULL,
        NULL, type, state = 'open', trace_id FROM raised JOIN exceptions AS found ON merchant_id = $1 AND found.id = raised.id
)
{STEPS.select} ORDER BY happened_on,
    array_position(ARRAY['psp_line', 'payout', 'bank_line', 'exception'], kind), id LIMIT {MOST_STEPS}"""  # noqa: S608 - made of constants


async def of_payment(conn: Conn, merchant_id: str, payment_id: str) -> list[TrailStep]:
    """Oldest first."""
    return [STEPS.read(row) for row in await conn.fetch(_TRAIL, merchant_id, payment_id)]
