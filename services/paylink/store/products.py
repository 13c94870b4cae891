"""SQL of products."""

from collections.abc import Sequence
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from services.paylink.rules.products import SHOWN_PRODUCTS, Product, ProductState

_PRODUCTS: Final = rows.Table("products", Product)
_INSERT: Final = _PRODUCTS.insert()
_SAVED: Final = (
    "state",
    "name",
    "description",
    "price_minor",
    "currency",
    "max_quantity",
    "position",
)
_SAVE: Final = (
    f"UPDATE products SET {rows.assignments(_SAVED, first=3)}"  # noqa: S608 - made of constants
    " WHERE merchant_id = $1 AND id = $2 AND state = 'active'"
)


async def insert(conn: Conn, product: Product) -> None:
    await conn.execute(_INSERT, *_PRODUCTS.values(product))


async def get(conn: Conn, merchant_id: str, product_id: str) -> Product | None:
    return await _PRODUCTS.one(conn, "WHERE merchant_id = $1 AND id = $2", merchant_id, product_id)


async def lock(conn: Conn, merchant_id: str, product_id: str) -> Product | None:
    where = "WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE"
    return await _PRODUCTS.one(conn, where, merchant_id, product_id)


async def save(conn: Conn, product: Product) -> None:
    """Write what may change of an active product that was locked in this transaction."""
    values = _PRODUCTS.values(product, *_SAVED)
    await conn.execute(_SAVE, product.merchant_id, product.id, *values)


async def page(
    conn: Conn, merchant_id: str, page: Page, *, state: ProductState | None
) -> Listed[Product]:
    conditions = {"merchant_id = {}": merchant_id, "state = {}": state}
    return await pages.fetch(conn, _PRODUCTS, page, conditions)


async def shown(conn: Conn, merchant_id: str) -> Sequence[Product]:
    """What the shop's page shows, in its order."""
    where = "WHERE merchant_id = $1 AND state = 'active' ORDER BY position, name, id LIMIT $2"
    return await _PRODUCTS.all(conn, where, merchant_id, SHOWN_PRODUCTS)


async def count_active(conn: Conn, merchant_id: str) -> int:
    count: int = await conn.fetchval(
        "SELECT count(*) FROM products WHERE merchant_id = $1 AND state = 'active'", merchant_id
    )
    return count
