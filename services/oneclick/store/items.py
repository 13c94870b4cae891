"""What an order holds, and the lowering that payments was asked for: rows of charges."""

from datetime import timedelta

from libs import rows
from libs.db import Conn
from services.oneclick.rules.items import Lowering


async def start_lowering(
    conn: Conn, merchant_id: str, charge_id: str, lowering: Lowering, *, check_after: timedelta
) -> None:
    """The intent, on a charge that was locked in this transaction."""
    await conn.execute(
        "UPDATE charges SET lowering = $3, checks = 0, due_at = now() + $4::interval"
        " WHERE merchant_id = $1 AND id = $2 AND lowering IS NULL",
        merchant_id,
        charge_id,
        rows.to_json(lowering),
        check_after,
    )


async def end_lowering(
    conn: Conn, merchant_id: str, charge_id: str, lowering: Lowering, *, done: bool
) -> bool:
    """Payments answered: the order holds less, or what it held. False when it was known already."""
    touched = await conn.execute(
        "UPDATE charges SET lowering = NULL, due_at = NULL,"
        " items = CASE WHEN $4 THEN lowering -> 'items' ELSE items END"
        " WHERE merchant_id = $1 AND id = $2 AND lowering ->> 'key' = $3",
        merchant_id,
        charge_id,
        lowering.key,
        done,
    )
    return touched == 1
