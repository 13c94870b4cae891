"""SQL of one-page shops. A slug belongs to one merchant of all."""

from datetime import datetime
from typing import Final

from libs import rows
from libs.clock import SQL_JOIN
from libs.db import Conn, unique
from services.paylink.errors import SlugTaken
from services.paylink.rules.products import Shop
from services.paylink.rules.states import LINK_OPEN, LinkState

_SHOPS: Final = rows.Table("shops", Shop)
_INSERT: Final = _SHOPS.insert() + " ON CONFLICT (merchant_id) DO NOTHING"
_SAVED: Final = _SHOPS.but("merchant_id", "created_at")
_SAVE: Final = f"UPDATE shops SET {rows.assignments(_SAVED, first=2)} WHERE merchant_id = $1"  # noqa: S608 - made of constants
_BY_SLUG: Final = f"""
SELECT shops.*, coalesce(extract(epoch FROM clock.clock_offset), 0)::bigint AS ahead
FROM shops {SQL_JOIN} WHERE slug = $1"""  # noqa: S608 - made of constants


async def get(conn: Conn, merchant_id: str) -> Shop | None:
    return await _SHOPS.one(conn, "WHERE merchant_id = $1", merchant_id)


async def by_slug(conn: Conn, slug: str) -> tuple[Shop | None, int]:
    """Over all merchants: the address is all that a shopper has.

    And by how many seconds the merchant's clock runs ahead.
    """
    row = await conn.fetchrow(_BY_SLUG, slug)
    return (None, 0) if row is None else (_SHOPS.read(row), row["ahead"])


async def lock(conn: Conn, merchant_id: str) -> Shop | None:
    return await _SHOPS.one(conn, "WHERE merchant_id = $1 FOR NO KEY UPDATE", merchant_id)


async def insert(conn: Conn, shop: Shop) -> bool:
    """False when the merchant's shop was opened meanwhile. Raises SlugTaken."""
    with unique(shops_slug=SlugTaken):
        return await conn.execute(_INSERT, *_SHOPS.values(shop)) == 1


async def save(conn: Conn, shop: Shop) -> None:
    """Write what may change of a shop that was locked in this transaction. Raises SlugTaken."""
    with unique(shops_slug=SlugTaken):
        await conn.execute(_SAVE, shop.merchant_id, *_SHOPS.values(shop, *_SAVED))


async def unpaid_purchases(conn: Conn, merchant_id: str, email: str, since: datetime) -> int:
    """Links of the shop that an e-mail address may still pay, made at or after `since`."""
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
