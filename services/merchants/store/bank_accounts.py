"""SQL of changes of bank accounts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from libs.queues import Queue, Room
from services.merchants.rules.bank_accounts import BankAccountChange

_CHANGES: Final = rows.Table("bank_account_changes", BankAccountChange, spread={"account": ""})
_INSERT: Final = _CHANGES.insert()


async def insert(conn: Conn, change: BankAccountChange) -> None:
    """For a locked merchant without a pending change."""
    await conn.execute(_INSERT, *_CHANGES.values(change))


async def end(conn: Conn, before: BankAccountChange, after: BankAccountChange) -> None:
    """Saves the change of a locked merchant."""
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


_DUE: Final = Queue(
    "bank_account_changes",
    at="effective_at",
    now="$4::timestamptz + (SELECT make_interval(secs => clock_offset_seconds) FROM merchants"
    " WHERE merchants.id = merchant_id)",
    where="state = 'pending'",
    columns=_CHANGES.selected,
)


async def claim(conn: Conn, room: Room, now: datetime) -> Sequence[BankAccountChange]:
    """Changes that are due by their merchants' clocks. Each takes effect once."""
    return [_CHANGES.read(row) for row in await conn.fetch(_DUE.fair_sql, *room.values, now)]
