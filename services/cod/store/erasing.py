"""SQL of erasing a customer: orders, parcels and money stay, personal data is deleted."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn
from services.cod.rules.refunds import Refund
from services.cod.store.refunds import REFUNDS

# In a fixed order, so that two erasures do not deadlock.
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
), unaddressed AS (
    DELETE FROM order_addresses USING found
    WHERE order_addresses.merchant_id = $1 AND order_addresses.order_id = found.id
)
SELECT id FROM found"""

_NAMING: Final = ("account_sealed", "account_holder", "account_iban", "failure")
_ERASE_REFUNDS: Final = f"""
UPDATE refunds SET state = given.state, metadata = '{{}}',
    {", ".join(f"{column} = NULL" for column in _NAMING)}
FROM unnest($1::text[], $2::text[], $3::text[]) AS given (merchant_id, id, state)
WHERE refunds.merchant_id = given.merchant_id AND refunds.id = given.id"""  # noqa: S608 - made of constants


async def erase_orders(conn: Conn, merchant_id: str, customer_id: str) -> Sequence[str]:
    """Returns ids of the customer's orders."""
    return [row["id"] for row in await conn.fetch(_ERASE, merchant_id, customer_id)]


async def erase_refunds(conn: Conn, refunds: Sequence[Refund]) -> None:
    """Erases the personal data of refunds locked in this transaction, and saves their new states."""
    await conn.execute(_ERASE_REFUNDS, *REFUNDS.arrays(refunds, "merchant_id", "id", "state"))


async def erase_files(conn: Conn, merchant_id: str, refund_ids: Sequence[str]) -> None:
    """Deletes bank files that ever contained one of these refunds, since they contain names."""
    await conn.execute(
        "DELETE FROM refund_files WHERE merchant_id = $1 AND export_id IN"
        " (SELECT export_id FROM refund_transfers WHERE merchant_id = $1"
        " AND refund_id = ANY($2::text[]))",
        merchant_id,
        list(refund_ids),
    )
