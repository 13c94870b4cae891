"""SQL of API keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from libs.db import Conn, Row
from libs.due import Room, fair_sql
from libs.pages import Page
from services.merchants.rules.domain import REQUESTS_QUOTA, ApiKey, Caller, Kind, State

_KEY = "id, merchant_id, kind, state, name, scopes, last4, created_at, expires_at"


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


async def find_by_secret(conn: Conn, secret_hash: bytes) -> Caller | None:
    """The key with this hash, its merchant's clock and quota of requests. One statement."""
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
    return Caller(_key(row), offset, row["plan"], row["requests_per_second"])


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


async def count_active_keys(conn: Conn, merchant_id: str) -> int:
    """Of a locked merchant, so that the number holds."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM api_keys WHERE merchant_id = $1 AND state = 'active'", merchant_id
    )
    return count


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
