"""SQL of addresses: found by the hash of their token."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.clock import SQL_NOW
from libs.db import Conn
from services.paylink.rules.domain import Link
from services.paylink.rules.transitions import TOKEN_OUTLIVES
from services.paylink.store.links import LINKS


@dataclass(frozen=True, slots=True)
class Found:
    """The link of a token, and how far ahead the merchant's clock is."""

    link: Link
    clock_offset_seconds: int


_FIND: Final = (
    "SELECT token.token_hash, links.*,"  # noqa: S608 - made of constants
    " coalesce(extract(epoch FROM clock.clock_offset), 0)::bigint AS clock_offset"
    " FROM link_tokens AS token"
    " JOIN links ON (links.merchant_id, links.id) = (token.merchant_id, token.link_id)"
    " LEFT JOIN test_clocks AS clock ON clock.merchant_id = token.merchant_id"
    " WHERE token.token_hash = $1 AND token.withdrawn_at IS NULL"
    f" AND (links.ended_at IS NULL OR links.ended_at > {SQL_NOW} - $2::interval)"
)


async def insert(conn: Conn, link: Link, *, token_hash: bytes, sealed: str) -> None:
    """The current address of a link without one."""
    await conn.execute(
        "INSERT INTO link_tokens (token_hash, merchant_id, link_id, sealed, issued_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        token_hash,
        link.merchant_id,
        link.id,
        sealed,
        link.issued_at,
    )


async def withdraw(conn: Conn, link: Link, now: datetime) -> None:
    """Revokes its address."""
    await conn.execute(
        "UPDATE link_tokens SET withdrawn_at = $3"
        " WHERE merchant_id = $1 AND link_id = $2 AND withdrawn_at IS NULL",
        link.merchant_id,
        link.id,
        now,
    )


async def find(conn: Conn, token_hash: bytes) -> Found | None:
    """None for an unknown, a revoked or an expired one alike: no row, and the same work."""
    row = await conn.fetchrow(_FIND, token_hash, TOKEN_OUTLIVES)
    stored = bytes(32) if row is None else bytes(row["token_hash"])
    if not hmac.compare_digest(stored, token_hash) or row is None:
        return None
    return Found(LINKS.read(row), row["clock_offset"])


async def sealed_of(conn: Conn, merchant_id: str, link_ids: Sequence[str]) -> Mapping[str, str]:
    """The sealed tokens of the links' current addresses, by link."""
    rows = await conn.fetch(
        "SELECT link_id, sealed FROM link_tokens"
        " WHERE merchant_id = $1 AND link_id = ANY($2::text[]) AND withdrawn_at IS NULL",
        merchant_id,
        list(link_ids),
    )
    return {row["link_id"]: row["sealed"] for row in rows}
