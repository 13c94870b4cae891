"""Every SQL statement of merchants."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import datetime, timedelta

from libs.db import Conn, Row
from libs.due import Room, fair_sql
from libs.pages import Page
from services.merchants.domain import ApiKey, BankAccount, Branding, Kind, Merchant, State
from services.merchants.pictures import Picture

_MERCHANT = """id, name, country, default_currency, locale, test, plan, logo_url, primary_colour,
    reply_to, website_url, logo_id, clock_offset_seconds, created_at"""
_SELECT = f"""SELECT {_MERCHANT}, bank_holder, bank_iban, bank_bic,
    (SELECT quotas FROM plans WHERE plans.name = plan) AS quotas FROM merchants"""  # noqa: S608 - our own column list
_KEY = "id, merchant_id, kind, state, name, scopes, last4, created_at, expires_at"


async def plans(conn: Conn) -> Mapping[str, Mapping[str, int]]:
    """What each plan allows, by the plan's name."""
    rows = await conn.fetch("SELECT name, quotas FROM plans")
    return {row["name"]: row["quotas"] for row in rows}


async def insert_merchant(conn: Conn, merchant: Merchant) -> None:
    await conn.execute(
        f"INSERT INTO merchants ({_MERCHANT})"  # noqa: S608 - our own column list
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
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
    )


async def get_merchant(conn: Conn, merchant_id: str) -> Merchant | None:
    row = await conn.fetchrow(f"{_SELECT} WHERE id = $1", merchant_id)
    return _merchant(row) if row else None


async def lock_merchant(conn: Conn, merchant_id: str) -> Merchant | None:
    row = await conn.fetchrow(f"{_SELECT} WHERE id = $1 FOR NO KEY UPDATE", merchant_id)
    return _merchant(row) if row else None


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
        " bank_holder = $10, bank_iban = $11, bank_bic = $12 WHERE id = $1",
        merchant.id,
        merchant.name,
        merchant.locale,
        *astuple(merchant.branding),
        _seconds(merchant.clock_offset),
        *(astuple(merchant.bank_account) if merchant.bank_account else (None, None, None)),
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


async def insert_api_key(conn: Conn, key: ApiKey, secret_hash: bytes) -> None:
    await conn.execute(
        f"INSERT INTO api_keys ({_KEY}, secret_hash)"  # noqa: S608 - our own column list
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        key.id,
        key.merchant_id,
        key.kind,
        key.state,
        key.name,
        list(key.scopes),
        key.last4,
        key.created_at,
        key.expires_at,
        secret_hash,
    )


async def find_by_secret(conn: Conn, secret_hash: bytes) -> tuple[ApiKey, timedelta] | None:
    """The key with this hash, and how far its merchant's clock is ahead. One statement."""
    row = await conn.fetchrow(
        "SELECT key.id, merchant_id, kind, state, key.name, scopes, last4, key.created_at,"
        " expires_at, clock_offset_seconds FROM api_keys AS key"
        " JOIN merchants ON merchants.id = merchant_id WHERE secret_hash = $1",
        secret_hash,
    )
    return (_key(row), timedelta(seconds=row["clock_offset_seconds"])) if row else None


async def get_api_key(conn: Conn, merchant_id: str, key_id: str) -> ApiKey | None:
    row = await conn.fetchrow(
        f"SELECT {_KEY} FROM api_keys WHERE merchant_id = $1 AND id = $2",  # noqa: S608 - our own column list
        merchant_id,
        key_id,
    )
    return _key(row) if row else None


async def lock_api_key(conn: Conn, merchant_id: str, key_id: str) -> ApiKey | None:
    row = await conn.fetchrow(
        f"SELECT {_KEY} FROM api_keys WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE",  # noqa: S608 - our own column list
        merchant_id,
        key_id,
    )
    return _key(row) if row else None


async def list_api_keys(conn: Conn, merchant_id: str, page: Page) -> list[ApiKey]:
    """One more than the page holds, newest first."""
    rows = await conn.fetch(
        f"SELECT {_KEY} FROM api_keys WHERE merchant_id = $1 AND id < $2"  # noqa: S608 - our own column list
        " ORDER BY id DESC LIMIT $3",
        merchant_id,
        page.before,
        page.limit + 1,
    )
    return [_key(row) for row in rows]


async def first_api_keys(conn: Conn, merchant_id: str) -> list[ApiKey]:
    """The two keys that a merchant was created with."""
    rows = await conn.fetch(
        f"SELECT {_KEY} FROM api_keys WHERE merchant_id = $1 ORDER BY id LIMIT 2",  # noqa: S608 - our own column list
        merchant_id,
    )
    return [_key(row) for row in rows]


async def save_api_key(conn: Conn, before: ApiKey, after: ApiKey) -> bool:
    """Move a key on; False when it is not in the state that the decision was made in."""
    touched = await conn.execute(
        "UPDATE api_keys SET state = $3, expires_at = $4 WHERE id = $1 AND state = $2",
        before.id,
        before.state,
        after.state,
        after.expires_at,
    )
    return touched == 1


_EXPIRED = fair_sql(
    "api_keys", at="expires_at", now="$4::timestamptz", where="state = 'expiring'", columns=_KEY
)


async def claim_expired(conn: Conn, room: Room, now: datetime) -> Sequence[ApiKey]:
    """Replaced keys whose overlap is over. Working on one twice is harmless: it moves once."""
    rows = await conn.fetch(_EXPIRED, *room.values, now)
    return [_key(row) for row in rows]


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
        quotas=row["quotas"],
    )


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        merchant_id=row["merchant_id"],
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        name=row["name"],
        scopes=tuple(row["scopes"]),
        last4=row["last4"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
