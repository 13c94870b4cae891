"""SQL of the merchants' limits."""

from typing import Final

from libs import rows
from libs.db import Conn
from services.oneclick.rules.spending import DEFAULT, Policy

LIMITS: Final = {
    "max_charge": "max_charge_minor max_charge_currency",
    "max_daily": "max_daily_minor max_daily_currency",
}
_POLICIES: Final = rows.Table("policies", Policy, columns=LIMITS)
_INSERT: Final = _POLICIES.insert(merchant_id="{}") + " ON CONFLICT (merchant_id) DO NOTHING"
_SAVE: Final = (
    f"UPDATE policies SET {rows.assignments(_POLICIES.columns, first=2)} WHERE merchant_id = $1"  # noqa: S608 - made of constants
)


async def get(conn: Conn, merchant_id: str) -> Policy:
    return await _POLICIES.one(conn, "WHERE merchant_id = $1", merchant_id) or DEFAULT


async def lock(conn: Conn, merchant_id: str) -> Policy:
    """The merchant's row, made with the defaults when there was none."""
    await conn.execute(_INSERT, *_POLICIES.values(DEFAULT), merchant_id)
    found = await _POLICIES.one(conn, "WHERE merchant_id = $1 FOR NO KEY UPDATE", merchant_id)
    assert found is not None  # it was made where it was not
    return found


async def save(conn: Conn, merchant_id: str, policy: Policy) -> None:
    """Of a merchant whose row was locked in this transaction."""
    await conn.execute(_SAVE, merchant_id, *_POLICIES.values(policy))
