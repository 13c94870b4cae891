"""SQL of one-page shops. A slug belongs to one merchant of all."""

from datetime import datetime

from libs.clock import SQL_JOIN
from libs.db import Conn, Row, UniqueViolation
from services.paylink.errors import SlugTaken
from services.paylink.rules.products import Shop, ShopState
from services.paylink.rules.states import LINK_OPEN, LinkState

_SELECT = "SELECT merchant_id, slug, state, title, description, created_at FROM shops"

_BY_SLUG = f"""
SELECT shops.*, coalesce(extract(epoch FROM clock.clock_offset), 0)::bigint AS ahead
FROM shops {SQL_JOIN} WHERE slug = $1"""  # noqa: S608 - made of constants


def _shop(row: Row) -> Shop:
    return Shop(
        merchant_id=row["merchant_id"],
        slug=row["slug"],
        state=ShopState(row["state"]),
        title=row["title"],
        description=row["description"],
        created_at=row["created_at"],
    )


async def get(conn: Conn, merchant_id: str) -> Shop | None:
    row = await conn.fetchrow(_SELECT + " WHERE merchant_id = $1", merchant_id)
    return None if row is None else _shop(row)


async def by_slug(conn: Conn, slug: str) -> tuple[Shop | None, int]:
    """Over all merchants: the address is all that a shopper has.

    And by how many seconds the merchant's clock runs ahead.
    """
    row = await conn.fetchrow(_BY_SLUG, slug)
    return (None, 0) if row is None else (_shop(row), row["ahead"])


async def lock(conn: Conn, merchant_id: str) -> Shop | None:
    row = await conn.fetchrow(_SELECT + " WHERE merchant_id = $1 FOR NO KEY UPDATE", merchant_id)
    return None if row is None else _shop(row)


async def insert(conn: Conn, shop: Shop) -> bool:
    """False when the merchant's shop was opened meanwhile. Raises SlugTaken."""
    try:
        made = await conn.execute(
            "INSERT INTO shops (merchant_id, slug, state, title, description, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id) DO NOTHING",
            shop.merchant_id,
            shop.slug,
            shop.state.value,
            shop.title,
            shop.description,
            shop.created_at,
        )
    except UniqueViolation as error:
        raise SlugTaken from error
    return made == 1


async def save(conn: Conn, shop: Shop) -> None:
    """Write what may change of a shop that was locked in this transaction. Raises SlugTaken."""
    try:
        await conn.execute(
            "UPDATE shops SET slug = $2, state = $3, title = $4, description = $5"
            " WHERE merchant_id = $1",
            shop.merchant_id,
            shop.slug,
            shop.state.value,
            shop.title,
            shop.description,
        )
    except UniqueViolation as error:
        raise SlugTaken from error


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
