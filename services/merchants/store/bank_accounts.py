"""SQL of changes of bank accounts."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime

from libs.db import Conn, Row
from libs.due import Room, fair_sql
from services.merchants.rules.bank_accounts import BankAccount, BankAccountChange, ChangeState

_CHANGE = """id, merchant_id, holder, iban, bic, requested_by, requested_at, effective_at, state,
    ended_by, ended_at"""


async def insert(conn: Conn, change: BankAccountChange) -> None:
    """Of a locked merchant for which no other one waits."""
    await conn.execute(
        f"INSERT INTO bank_account_changes ({_CHANGE})"  # noqa: S608 - our own column list
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        change.id,
        change.merchant_id,
        *astuple(change.account),
        change.requested_by,
        change.requested_at,
        change.effective_at,
        change.state,
        change.ended_by,
        change.ended_at,
    )


async def end(conn: Conn, before: BankAccountChange, after: BankAccountChange) -> None:
    """Move the change of a locked merchant on."""
    await conn.execute(
        "UPDATE bank_account_changes SET state = $4, ended_by = $5, ended_at = $6"
        " WHERE merchant_id = $1 AND id = $2 AND state = $3",
        before.merchant_id,
        before.id,
        before.state,
        after.state,
        after.ended_by,
        after.ended_at,
    )


_DUE = fair_sql(
    "bank_account_changes",
    at="effective_at",
    now="$4::timestamptz + (SELECT make_interval(secs => clock_offset_seconds) FROM merchants"
    " WHERE merchants.id = merchant_id)",
    where="state = 'pending'",
    columns=_CHANGE,
)


async def claim(conn: Conn, room: Room, now: datetime) -> Sequence[BankAccountChange]:
    """Those whose time has come by their merchants' clocks. Each takes effect once."""
    rows = await conn.fetch(_DUE, *room.values, now)
    return [change_of(row) for row in rows]


def change_of(row: Row) -> BankAccountChange:
    return BankAccountChange(
        id=row["id"],
        merchant_id=row["merchant_id"],
        account=BankAccount(row["holder"], row["iban"], row["bic"]),
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        effective_at=row["effective_at"],
        state=ChangeState(row["state"]),
        ended_by=row["ended_by"],
        ended_at=row["ended_at"],
    )
