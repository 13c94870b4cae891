"""SQL of the pictures of products."""

from datetime import datetime

from libs.db import Conn
from libs.pictures import Picture
from services.paylink.rules.products import Product


async def save_picture(conn: Conn, product: Product, picture: Picture, *, now: datetime) -> None:
    """Replaces any earlier picture of the product."""
    await conn.execute(
        "INSERT INTO product_pictures (merchant_id, product_id, id, media_type, picture, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id, product_id) DO UPDATE"
        " SET id = EXCLUDED.id, media_type = EXCLUDED.media_type, picture = EXCLUDED.picture,"
        " created_at = EXCLUDED.created_at",
        product.merchant_id,
        product.id,
        picture.id,
        picture.media_type,
        picture.content,
        now,
    )


async def delete_picture(conn: Conn, product: Product) -> None:
    await conn.execute(
        "DELETE FROM product_pictures WHERE merchant_id = $1 AND product_id = $2",
        product.merchant_id,
        product.id,
    )


async def get_picture(conn: Conn, picture_id: str) -> Picture | None:
    """Of any merchant: only those who have seen the image know its name."""
    row = await conn.fetchrow(
        "SELECT id, media_type, picture FROM product_pictures WHERE id = $1 LIMIT 1", picture_id
    )
    return Picture(row["id"], row["media_type"], row["picture"]) if row else None
