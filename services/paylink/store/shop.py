"""SQL of one-page shops and their products. A slug is unique over all merchants."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs import rows
from libs.clock import SQL_JOIN
from libs.db import Conn, on_unique_violation
from services.paylink.errors import SlugTaken
from services.paylink.rules.products import SHOWN_PRODUCTS, Product, Shop
from services.paylink.rules.states import LINK_OPEN, LinkState

PRODUCTS: Final = rows.Table("products", Product)
_OF_PRODUCT: Final = PRODUCTS.but("merchant_id", "id", "metadata", "created_at")
_SAVE_PRODUCT: Final = (
    f"UPDATE products SET {rows.assignments(_OF_PRODUCT, first=3)}"  # noqa: S608 - made of constants
    " WHERE merchant_id = $1 AND id = $2 AND state = 'active'"
)
_SHOPS: Final = rows.Table("shops", Shop)
_INSERT: Final = _SHOPS.insert() + " ON CONFLICT (merchant_id) DO NOTHING"
_OF_SHOP: Final = _SHOPS.but("merchant_id", "created_at")
_SAVE_SHOP: Final = f"UPDATE shops SET {rows.assignments(_OF_SHOP, first=2)} WHERE merchant_id = $1"  # noqa: S608 - made of constants
_BY_SLUG: Final = f"""
SELECT shops.*, coalesce(extract(epoch FROM clock.clock_offset), 0)::bigint AS ahead
FROM shops {SQL_JOIN} WHERE slug = $1"""  # noqa: S608 - made of constants


async def save_product(conn: Conn, product: Product) -> None:
    """Writes the changeable columns of an active product locked in this transaction."""
    values = PRODUCTS.values(product, *_OF_PRODUCT)
    await conn.execute(_SAVE_PRODUCT, product.merchant_id, product.id, *values)


async def shown(conn: Conn, merchant_id: str) -> Sequence[Product]:
    """The products on the shop's page, in order."""
    where = "WHERE merchant_id = $1 AND state = 'active' ORDER BY position, name, id LIMIT $2"
    return await PRODUCTS.all(conn, where, merchant_id, SHOWN_PRODUCTS)


async def count_products(conn: Conn, merchant_id: str) -> int:
    return await PRODUCTS.count(conn, "WHERE merchant_id = $1 AND state = 'active'", merchant_id)


async def get_shop(conn: Conn, merchant_id: str) -> Shop | None:
    return await _SHOPS.one(conn, "WHERE merchant_id = $1", merchant_id)


async def by_slug(conn: Conn, slug: str) -> tuple[Shop | None, int]:
    """Searches all merchants: the slug is all that a shopper has.

    Also returns how many seconds the merchant's clock is ahead.
    """
    row = await conn.fetchrow(_BY_SLUG, slug)
    return (None, 0) if row is None else (_SHOPS.read(row), row["ahead"])


async def lock_shop(conn: Conn, merchant_id: str) -> Shop | None:
    return await _SHOPS.one(conn, "WHERE merchant_id = $1 FOR NO KEY UPDATE", merchant_id)


async def insert_shop(conn: Conn, shop: Shop) -> bool:
    """False if the merchant's shop was opened meanwhile. Raises SlugTaken."""
    with on_unique_violation(shops_slug=SlugTaken):
        return await conn.execute(_INSERT, *_SHOPS.values(shop)) == 1


async def save_shop(conn: Conn, shop: Shop) -> None:
    """Writes the changeable columns of a shop locked in this transaction. Raises SlugTaken."""
    with on_unique_violation(shops_slug=SlugTaken):
        await conn.execute(_SAVE_SHOP, shop.merchant_id, *_SHOPS.values(shop, *_OF_SHOP))


async def unpaid_purchases(conn: Conn, merchant_id: str, email: str, since: datetime) -> int:
    """Links of the shop that an e-mail address can still pay, created at or after `since`."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM links WHERE merchant_id = $1 AND lower(recipient_email) = lower($2)"
        " AND created_at >= $3 AND origin = 'shop'"
        " AND state = ANY($4::text[])",
        merchant_id,
        email,
        since,
        [state.value for state in (*LINK_OPEN, LinkState.PAYING)],
    )
    return count
