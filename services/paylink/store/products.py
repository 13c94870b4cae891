"""SQL of products."""

from collections.abc import Sequence

from libs.db import Conn, Row
from libs.money import Money
from libs.pages import Page
from services.paylink.rules.products import SHOWN_PRODUCTS, Product, ProductState

_SELECT = (
    "SELECT id, merchant_id, state, name, description, price_minor, currency, max_quantity,"
    " position, metadata, created_at FROM products"
)


def _product(row: Row) -> Product:
    return Product(
        id=row["id"],
        merchant_id=row["merchant_id"],
        state=ProductState(row["state"]),
        name=row["name"],
        description=row["description"],
        price=Money(row["price_minor"], row["currency"]),
        max_quantity=row["max_quantity"],
        position=row["position"],
        metadata=row["metadata"],
        created_at=row["created_at"],
    )


async def insert(conn: Conn, product: Product) -> None:
    await conn.execute(
        "INSERT INTO products (merchant_id, id, state, name, description, price_minor, currency,"
        " max_quantity, position, metadata, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        product.merchant_id,
        product.id,
        product.state.value,
        product.name,
        product.description,
        product.price.amount_minor,
        product.price.currency,
        product.max_quantity,
        product.position,
        dict(product.metadata),
        product.created_at,
    )


async def get(conn: Conn, merchant_id: str, product_id: str) -> Product | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2", merchant_id, product_id
    )
    return None if row is None else _product(row)


async def lock(conn: Conn, merchant_id: str, product_id: str) -> Product | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE", merchant_id, product_id
    )
    return None if row is None else _product(row)


async def save(conn: Conn, product: Product) -> None:
    """Write what may change of an active product that was locked in this transaction."""
    await conn.execute(
        "UPDATE products SET state = $3, name = $4, description = $5, price_minor = $6,"
        " currency = $7, max_quantity = $8, position = $9"
        " WHERE merchant_id = $1 AND id = $2 AND state = 'active'",
        product.merchant_id,
        product.id,
        product.state.value,
        product.name,
        product.description,
        product.price.amount_minor,
        product.price.currency,
        product.max_quantity,
        product.position,
    )


async def page(
    conn: Conn, merchant_id: str, page: Page, *, state: ProductState | None
) -> Sequence[Product]:
    """One row more than the page has, newest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND id < $2 AND ($3::text IS NULL OR state = $3)"
        " ORDER BY id DESC LIMIT $4",
        merchant_id,
        page.before,
        None if state is None else state.value,
        page.limit + 1,
    )
    return [_product(row) for row in rows]


async def shown(conn: Conn, merchant_id: str) -> Sequence[Product]:
    """What the shop's page shows, in its order."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND state = 'active'"
        " ORDER BY position, name, id LIMIT $2",
        merchant_id,
        SHOWN_PRODUCTS,
    )
    return [_product(row) for row in rows]


async def count_active(conn: Conn, merchant_id: str) -> int:
    count: int = await conn.fetchval(
        "SELECT count(*) FROM products WHERE merchant_id = $1 AND state = 'active'", merchant_id
    )
    return count
