"""SQL of reminders to customers of plans."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from libs.queues import held
from services.instalments.rules.plans import DocumentKind, Plan
from services.instalments.rules.reminding import Reminder, ReminderKind

REMINDERS: Final = rows.Table("plan_reminders", Reminder)
_COLUMNS: Final = {
    "merchant_id": "text",
    "id": "text",
    "plan_id": "text",
    "number": "int",
    "kind": "text",
    "due_at": "timestamptz",
}
_INSERT: Final = f"""
INSERT INTO plan_reminders ({", ".join(_COLUMNS)})
SELECT * FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_COLUMNS.values(), 1))})"""  # noqa: S608 - made of constants


async def insert(conn: Conn, reminders: Sequence[Reminder]) -> None:
    if reminders:
        await conn.execute(_INSERT, *REMINDERS.arrays(reminders, *_COLUMNS))


async def take(conn: Conn, reminder: Reminder) -> bool:
    """Deletes the reminder. False if another worker has taken it."""
    taken = await conn.execute(
        "DELETE FROM plan_reminders WHERE merchant_id = $1 AND id = $2",
        reminder.merchant_id,
        reminder.id,
    )
    return taken == 1


async def drop_due(conn: Conn, plan: Plan) -> None:
    """Deletes reminders of parts to be charged, whose dates are about to move."""
    await conn.execute(
        "DELETE FROM plan_reminders WHERE merchant_id = $1 AND plan_id = $2 AND kind = $3",
        plan.merchant_id,
        plan.id,
        ReminderKind.DUE.value,
    )


CLAIM: Final = held("plan_reminders")


async def informed_at(conn: Conn, plan: Plan) -> datetime | None:
    """When the information was delivered."""
    found: datetime | None = await conn.fetchval(
        "SELECT delivered_at FROM documents WHERE merchant_id = $1 AND plan_id = $2 AND kind = $3",
        plan.merchant_id,
        plan.id,
        DocumentKind.INFORMATION.value,
    )
    return found
