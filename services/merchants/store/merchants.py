"""SQL of merchants, their plans and logos."""

from collections.abc import Mapping
from dataclasses import astuple
from datetime import datetime, timedelta

from libs.db import Conn, Row
from libs.pages import Page
from services.merchants.rules.bank_accounts import BankAccount
from services.merchants.rules.domain import Branding, Merchant
from services.merchants.rules.pictures import Picture
from services.merchants.store.bank_accounts import change_of

_MERCHANT = """id, name, country, default_currency, locale, test, plan, logo_url, primary_colour,
    reply_to, website_url, logo_id, clock_offset_seconds, created_at, contact_email"""
_SELECT = f"""SELECT {_MERCHANT}, bank_holder, bank_iban, bank_bic,
    (SELECT quotas FROM plans WHERE plans.name = plan) AS quotas,
    (SELECT change FROM bank_account_changes AS change
     WHERE change.merchant_id = merchants.id AND change.state = 'pending') AS change
    FROM merchants"""  # noqa: S608 - our own column list


async def plans(conn: Conn) -> Mapping[str, Mapping[str, int]]:
    """What each plan allows, by the plan's name."""
    rows = await conn.fetch("SELECT name, quotas FROM plans")
    return {row["name"]: row["quotas"] for row in rows}


async def insert_merchant(conn: Conn, merchant: Merchant) -> None:
    await conn.execute(
        f"INSERT INTO merchants ({_MERCHANT})"  # noqa: S608 - our own column list
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        merchant.id,
        merchant.name,
        merchant.country,
        merchant.default_currency,
        merchant.locale,
        merchant.test,
        merchant.plan,
        *astuple(merchant.branding),
        _seconds(merchant.clock_offset),
        merchant.created_at,
        merchant.contact_email,
    )


async def get_merchant(conn: Conn, merchant_id: str) -> Merchant | None:
    row = await conn.fetchrow(f"{_SELECT} WHERE id = $1", merchant_id)
    return _merchant(row) if row else None


async def lock_merchant(conn: Conn, merchant_id: str) -> Merchant | None:
    """Locked first and read then: what a lock waits for changes more than the merchant's own row."""
    await conn.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant_id)
    return await get_merchant(conn, merchant_id)


async def list_merchants(conn: Conn, page: Page) -> list[Merchant]:
    """One more than the page holds, newest first."""
    rows = await conn.fetch(
        f"{_SELECT} WHERE id < $1 ORDER BY id DESC LIMIT $2", page.before, page.limit + 1
    )
    return [_merchant(row) for row in rows]


async def save_merchant(conn: Conn, merchant: Merchant) -> None:
    """Write what may change of a locked merchant."""
    await conn.execute(
        "UPDATE merchants SET name = $2, locale = $3, logo_url = $4, primary_colour = $5,"
        " reply_to = $6, website_url = $7, logo_id = $8, clock_offset_seconds = $9,"
        " bank_holder = $10, bank_iban = $11, bank_bic = $12, contact_email = $13 WHERE id = $1",
        merchant.id,
        merchant.name,
        merchant.locale,
        *astuple(merchant.branding),
        _seconds(merchant.clock_offset),
        *(astuple(merchant.bank_account) if merchant.bank_account else (None, None, None)),
        merchant.contact_email,
    )


async def save_logo(conn: Conn, merchant_id: str, logo: Picture, *, now: datetime) -> None:
    """Instead of one before."""
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


async def get_logo(conn: Conn, logo_id: str) -> Picture | None:
    """Of any merchant: who has the name has seen the picture."""
    row = await conn.fetchrow(
        "SELECT id, media_type, picture FROM logos WHERE id = $1 LIMIT 1", logo_id
    )
    return Picture(row["id"], row["media_type"], row["picture"]) if row else None


def _merchant(row: Row) -> Merchant:
    iban = row["bank_iban"]
    return Merchant(
        id=row["id"],
        name=row["name"],
        country=row["country"],
        default_currency=row["default_currency"],
        locale=row["locale"],
        test=row["test"],
        plan=row["plan"],
        branding=Branding(
            logo_url=row["logo_url"],
            primary_colour=row["primary_colour"],
            reply_to=row["reply_to"],
            website_url=row["website_url"],
            logo_id=row["logo_id"],
        ),
        clock_offset=timedelta(seconds=row["clock_offset_seconds"]),
        created_at=row["created_at"],
        bank_account=BankAccount(row["bank_holder"], iban, row["bank_bic"]) if iban else None,
        pending_bank_account=change_of(row["change"]) if row["change"] else None,
        contact_email=row["contact_email"],
        quotas=row["quotas"],
    )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
