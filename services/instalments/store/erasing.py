"""SQL for erased customers: plans, parts and evidence stay, personal data goes."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn

# In a fixed order, so that two erasures do not deadlock. A document's hash still proves its
# contents.
_ERASE: Final = """
WITH found AS (
    SELECT id FROM plans WHERE merchant_id = $1 AND customer_id = $2 ORDER BY id FOR NO KEY UPDATE
), erased AS (
    UPDATE plans SET metadata = '{}', return_url = '', acceptance = acceptance || '{"ip": null}',
        review = review || '{"reason": null}',
        withdrawal = withdrawal || '{"name": "", "sent_to": ""}'
    FROM found WHERE plans.merchant_id = $1 AND plans.id = found.id
), cleared AS (
    UPDATE plan_refunds SET reason = NULL
    FROM found WHERE plan_refunds.merchant_id = $1 AND plan_refunds.plan_id = found.id
), emptied AS (
    UPDATE documents SET content = ''
    FROM found WHERE documents.merchant_id = $1 AND documents.plan_id = found.id
)
SELECT id FROM found"""


async def erase_plans(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[str]:
    """Returns ids of the customer's plans, and of the payments requested for their parts."""
    rows = await conn.fetch(_ERASE, merchant_id, customer_id)
    plan_ids = [row["id"] for row in rows]
    asked = await conn.fetch(
        "SELECT id FROM collections WHERE merchant_id = $1 AND plan_id = ANY($2::text[])",
        merchant_id,
        plan_ids,
    )
    return [*plan_ids, *(row["id"] for row in asked)]
