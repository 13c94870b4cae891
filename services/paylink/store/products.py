"""SQL of products."""

from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.paylink.rules.products import SHOWN_PRODUCTS, Product

PRODUCTS: Final = rows.Table("products", Product)
_SAVED: Final = PRODUCTS.but("merchant_id", "id", "metadata", "created_at")
_SAVE: Final = (
    f"UPDATE products SET {rows.assignments(_SAVED, first=3)}"  # noqa: S608 - made of constants
    " WHERE merchant_id = $1 AND id = $2 AND state = 'active'"
)


async def save(conn: Conn, product: Product) -> None:
    """Write what may change of an active product that was locked in this transaction."""
    values = PRODUCTS.values(product, *_SAVED)
    await conn.execute(_SAVE, product.merchant_id, product.id, *values)


async def shown(conn: Conn, merchant_id: str) -> Sequence[Product]:
    """What the shop's page shows, in its order."""
    where = "WHERE merchant_id = $1 AND state = 'active' ORDER BY position, name, id LIMIT $2"
    return await PRODUCTS.all(conn, where, merchant_id, SHOWN_PRODUCTS)


async def count_active(conn: Conn, merchant_id: str) -> int:
    return await PRODUCTS.count(conn, "WHERE merchant_id = $1 AND state = 'active'", merchant_id)
