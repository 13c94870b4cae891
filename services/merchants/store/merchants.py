"""SQL of merchants, their plans and logos."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from services.merchants.rules.domain import Merchant
from services.merchants.rules.logos import Logo

# The columns of a change include those of its account.
_PENDING: Final = """(
    SELECT to_jsonb(change) || jsonb_build_object('account', to_jsonb(change))
    FROM bank_account_changes AS change
    WHERE change.merchant_id = merchants.id AND change.state = 'pending')"""
_MERCHANTS: Final = rows.Table(
    "merchants",
    Merchant,
    spread={"branding": "", "bank_account": "bank_", "seller": "seller_"},
    sql={
        "clock_offset": "make_interval(secs => clock_offset_seconds)",
        "quotas": "(SELECT quotas FROM plans WHERE plans.name = plan)",
        "pending_bank_account": _PENDING,
    },
)
_INSERT: Final = _MERCHANTS.insert(clock_offset_seconds="{}")
_SAVED: Final = (
    "name",
    "locale",
    "logo_url",
    "primary_colour",
    "reply_to",
    "website_url",
    "logo_id",
    "bank_holder",
    "bank_iban",
    "bank_bic",
    "contact_email",
    "seller_legal_name",
    "seller_vat_number",
    "seller_address",
)
_SAVE: Final = (
    f"UPDATE merchants SET clock_offset_seconds = $2, {rows.assignments(_SAVED, first=3)}"  # noqa: S608 - made of constants
    " WHERE id = $1"
)


async def plans(conn: Conn) -> Mapping[str, Mapping[str, int]]:
    """The limits of each plan, by the plan's name."""
    rows = await conn.fetch("SELECT name, quotas FROM plans")
    return {row["name"]: row["quotas"] for row in rows}


async def insert_merchant(conn: Conn, merchant: Merchant) -> None:
    values = _MERCHANTS.values(merchant)
    await conn.execute(_INSERT, *values, _seconds(merchant.clock_offset))


async def get_merchant(conn: Conn, merchant_id: str) -> Merchant | None:
    return await _MERCHANTS.one(conn, "WHERE id = $1", merchant_id)


async def lock_merchant(conn: Conn, merchant_id: str) -> Merchant | None:
    """Locks first, then reads: a transaction with the lock may change more than the merchant's
    own row.
    """
    await conn.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant_id)
    return await get_merchant(conn, merchant_id)


async def list_merchants(conn: Conn, page: Page) -> Listed[Merchant]:
    return await pages.fetch(conn, _MERCHANTS, page, {})


async def save_merchant(conn: Conn, merchant: Merchant) -> None:
    """Writes the changeable columns of a locked merchant."""
    values = _MERCHANTS.values(merchant, *_SAVED)
    await conn.execute(_SAVE, merchant.id, _seconds(merchant.clock_offset), *values)


async def save_logo(conn: Conn, merchant_id: str, logo: Logo, *, now: datetime) -> None:
    """Replaces any earlier logo."""
    await conn.execute(
        "INSERT INTO logos (merchant_id, id, media_type, picture, created_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (merchant_id) DO UPDATE SET id = EXCLUDED.id,"
        " media_type = EXCLUDED.media_type, picture = EXCLUDED.picture,"
        " created_at = EXCLUDED.created_at",
        merchant_id,
        logo.id,
        logo.media_type,
        logo.content,
        now,
    )


async def delete_logo(conn: Conn, merchant_id: str) -> None:
    await conn.execute("DELETE FROM logos WHERE merchant_id = $1", merchant_id)


async def get_logo(conn: Conn, logo_id: str) -> Logo | None:
    """For any merchant: only those who have seen the image know its name."""
    row = await conn.fetchrow(
        "SELECT id, media_type, picture FROM logos WHERE id = $1 LIMIT 1", logo_id
    )
    return Logo(row["id"], row["media_type"], row["picture"]) if row else None


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
