"""SQL of API keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from libs.queues import Queue, Room
from services.merchants.rules.domain import REQUESTS_QUOTA, ApiKey, Caller

_KEYS: Final = rows.Table("api_keys", ApiKey)
_INSERT: Final = _KEYS.insert(secret_hash="{}")  # noqa: S106 - a column


async def insert_api_key(conn: Conn, key: ApiKey, secret_hash: bytes) -> None:
    await conn.execute(_INSERT, *_KEYS.values(key), secret_hash)


async def find_by_secret(conn: Conn, secret_hash: bytes) -> Caller | None:
    """The key with this hash, its merchant's clock and request quota. One statement."""
    row = await conn.fetchrow(
        "SELECT key.id, merchant_id, kind, state, key.name, scopes, last4, key.created_at,"
        " expires_at, clock_offset_seconds, plan,"
        " coalesce((plans.quotas ->> $2)::bigint, 0) AS requests_per_second"
        " FROM api_keys AS key JOIN merchants ON merchants.id = merchant_id"
        " JOIN plans ON plans.name = plan WHERE secret_hash = $1",
        secret_hash,
        REQUESTS_QUOTA,
    )
    if row is None:
        return None
    offset = timedelta(seconds=row["clock_offset_seconds"])
    return Caller(_KEYS.read(row), offset, row["plan"], row["requests_per_second"])


async def get_api_key(conn: Conn, merchant_id: str, key_id: str) -> ApiKey | None:
    return await _KEYS.one(conn, "WHERE merchant_id = $1 AND id = $2", merchant_id, key_id)


async def lock_api_key(conn: Conn, merchant_id: str, key_id: str) -> ApiKey | None:
    where = "WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE"
    return await _KEYS.one(conn, where, merchant_id, key_id)


async def list_api_keys(conn: Conn, merchant_id: str, page: Page) -> Listed[ApiKey]:
    return await pages.fetch(conn, _KEYS, page, {"merchant_id = {}": merchant_id})


async def first_api_keys(conn: Conn, merchant_id: str) -> list[ApiKey]:
    """The two keys created with a merchant."""
    return await _KEYS.all(conn, "WHERE merchant_id = $1 ORDER BY id LIMIT 2", merchant_id)


async def count_active_keys(conn: Conn, merchant_id: str) -> int:
    """For a locked merchant, so that the number stays valid."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM api_keys WHERE merchant_id = $1 AND state = 'active'", merchant_id
    )
    return count


async def save_api_key(conn: Conn, before: ApiKey, after: ApiKey) -> bool:
    """Saves a key's new state; False if it is not in the state on which the decision was based."""
    touched = await conn.execute(
        "UPDATE api_keys SET state = $3, expires_at = $4 WHERE id = $1 AND state = $2",
        before.id,
        before.state,
        after.state,
        after.expires_at,
    )
    return touched == 1


_EXPIRED: Final = Queue(
    "api_keys",
    at="expires_at",
    now="$4::timestamptz",
    where="state = 'expiring'",
    columns=_KEYS.selected,
)


async def claim_expired(conn: Conn, room: Room, now: datetime) -> Sequence[ApiKey]:
    """Replaced keys whose overlap has ended. Processing one twice is harmless: it changes once."""
    found = await conn.fetch(_EXPIRED.fair_sql, *room.values, now)
    return [_KEYS.read(row) for row in found]
