"""SQL of the addresses of plans' pages: found by the hash of their token."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.db import Conn
from services.instalments.rules.plans import Plan
from services.instalments.store.plans import PLANS


@dataclass(frozen=True, slots=True)
class Found:
    """Where a token leads, and by how much the merchant's clock runs ahead."""

    plan: Plan
    clock_offset_seconds: int


_FIND: Final = """
SELECT address.token_hash, plans.*,
    coalesce(extract(epoch FROM clock.clock_offset), 0)::bigint AS clock_offset
FROM plan_addresses AS address
JOIN plans ON (plans.merchant_id, plans.id) = (address.merchant_id, address.plan_id)
LEFT JOIN test_clocks AS clock ON clock.merchant_id = address.merchant_id
WHERE address.token_hash = $1"""


async def issue(conn: Conn, plan: Plan, *, token_hash: bytes, sealed: str, now: datetime) -> str:
    """The sealed token of the plan's one address: this, or the one that was first."""
    kept: str = await conn.fetchval(
        "INSERT INTO plan_addresses AS kept (merchant_id, plan_id, token_hash, sealed, issued_at)"
        " VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (merchant_id, plan_id) DO UPDATE SET plan_id = kept.plan_id"
        " RETURNING sealed",
        plan.merchant_id,
        plan.id,
        token_hash,
        sealed,
        now,
    )
    return kept


async def find(conn: Conn, token_hash: bytes) -> Found | None:
    row = await conn.fetchrow(_FIND, token_hash)
    stored = bytes(32) if row is None else bytes(row["token_hash"])
    if not hmac.compare_digest(stored, token_hash) or row is None:
        return None
    return Found(PLANS.read(row), row["clock_offset"])
