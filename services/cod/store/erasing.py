"""SQL of what an erased customer leaves behind: orders, parcels and money stay, the person goes."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn

# In one order, so that two erasures do not lock crosswise.
_ERASE: Final = """
WITH found AS (
    SELECT id FROM orders WHERE merchant_id = $1 AND customer_id = $2 ORDER BY id FOR NO KEY UPDATE
), erased AS (
    UPDATE orders SET recipient_name = NULL, recipient_email = NULL, recipient_phone = NULL,
        address_street = NULL, address_town = NULL, address_postcode = NULL, metadata = '{}'
    FROM found WHERE orders.merchant_id = $1 AND orders.id = found.id
), changed AS (
    UPDATE order_changes SET recipient = NULL, address = NULL
    FROM found WHERE order_changes.merchant_id = $1 AND order_changes.order_id = found.id
), unknown AS (
    DELETE FROM refusals USING found
    WHERE refusals.merchant_id = $1 AND refusals.order_id = found.id
), unsaid AS (
    DELETE FROM codes USING found WHERE codes.merchant_id = $1 AND codes.order_id = found.id
)
SELECT id FROM found"""


async def erase_orders(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[str]:
    """Ids of the customer's orders."""
    return [row["id"] for row in await conn.fetch(_ERASE, merchant_id, customer_id)]
