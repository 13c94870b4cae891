"""SQL of the merchants' limits."""

from typing import Final

from libs.db import Conn, Row
from libs.money import Money
from services.oneclick.rules.limits import DEFAULT, Policy

_COLUMNS: Final = (
    "max_charge_minor, max_charge_currency, max_daily_minor, max_daily_currency,"
    " max_hourly_charges, grace_seconds"
)


def policy_of(row: Row) -> Policy:
    return Policy(
        max_charge=Money(row["max_charge_minor"], row["max_charge_currency"]),
        max_daily=Money(row["max_daily_minor"], row["max_daily_currency"]),
        max_hourly_charges=row["max_hourly_charges"],
        grace_seconds=row["grace_seconds"],
    )


async def get(conn: Conn, merchant_id: str) -> Policy:
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM policies WHERE merchant_id = $1",  # noqa: S608 - made of constants
        merchant_id,
    )
    return DEFAULT if row is None else policy_of(row)


async def lock(conn: Conn, merchant_id: str) -> Policy:
    """The merchant's row, made with the defaults when there was none."""
    await conn.execute(
        f"INSERT INTO policies (merchant_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608 - made of constants
        " ON CONFLICT (merchant_id) DO NOTHING",
        merchant_id,
        *_values(DEFAULT),
    )
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM policies WHERE merchant_id = $1 FOR NO KEY UPDATE",  # noqa: S608 - made of constants
        merchant_id,
    )
    assert row is not None  # it was made where it was not
    return policy_of(row)


async def save(conn: Conn, merchant_id: str, policy: Policy) -> None:
    """Of a merchant whose row was locked in this transaction."""
    await conn.execute(
        "UPDATE policies SET max_charge_minor = $2, max_charge_currency = $3, max_daily_minor = $4,"
        " max_daily_currency = $5, max_hourly_charges = $6, grace_seconds = $7"
        " WHERE merchant_id = $1",
        merchant_id,
        *_values(policy),
    )


def _values(policy: Policy) -> tuple[object, ...]:
    return (
        policy.max_charge.amount_minor,
        policy.max_charge.currency,
        policy.max_daily.amount_minor,
        policy.max_daily.currency,
        policy.max_hourly_charges,
        policy.grace_seconds,
    )
