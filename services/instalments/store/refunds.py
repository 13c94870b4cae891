"""SQL of refunds of plans, and of refunds requested from payments. Changing one requires the lock
of its plan.
"""

from collections.abc import Collection as Ids
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from libs.payments import repayments
from libs.payments.due import CHECK_AFTER
from services.instalments.rules.repaying import PlanRefund, Repayment

REFUNDS: Final = rows.Table("plan_refunds", PlanRefund)
REPAYMENTS: Final = rows.Table("repayments", Repayment)
_CHANGES: Final = ("state", "shares", "reference", "refusal", "told_at")
_OPEN: Final = ", ".join(f"'{state.value}'" for state in repayments.OPEN)
_INSERT: Final = REPAYMENTS.insert(due_at="now() + {}::interval")


@dataclass(frozen=True, slots=True)
class RefundUpdate:
    """An event of payments about a refund of one of our payments."""

    event_id: str
    merchant_id: str
    reference: str
    succeeded: bool
    at: datetime


async def add(conn: Conn, intents: Sequence[Repayment]) -> None:
    """Adds intents, which are checked until they end, or refunds made at payments."""
    for repayment in intents:  # one for each payment that is refunded
        ask_in = CHECK_AFTER if repayments.is_under_way(repayment) else None
        await conn.execute(_INSERT, *REPAYMENTS.values(repayment), ask_in)


async def save(conn: Conn, repayment: Repayment) -> None:
    """Saves a report; a finished one is no longer due."""
    still = "CASE WHEN $3 IN ('started', 'under_way') THEN due_at END"
    await REPAYMENTS.change(
        conn,
        repayment,
        f"{rows.assignments(_CHANGES, first=3)}, due_at = {still}",
        *REPAYMENTS.values(repayment, *_CHANGES),
    )


async def named(
    conn: Conn, merchant_id: str, payment_id: str, *, key: str, reference: str
) -> Repayment | None:
    """The repayment with our key, or with payments' own id of the refund."""
    where = "WHERE merchant_id = $1 AND payment_id = $2 AND (id = $3 OR reference = $4)"
    return await REPAYMENTS.one(conn, where, merchant_id, payment_id, key, reference)


async def under_way(
    conn: Conn, merchant_id: str, *, payment_id: str | None = None, plan_id: str | None = None
) -> Sequence[Repayment]:
    """Repayments in progress, of one payment or of one plan."""
    of = "payment_id" if payment_id is not None else "plan_id"
    where = f"WHERE merchant_id = $1 AND {of} = $2 AND state IN ({_OPEN}) ORDER BY id"
    return await REPAYMENTS.all(conn, where, merchant_id, payment_id or plan_id)


async def last(conn: Conn, merchant_id: str, plan_id: str) -> PlanRefund | None:
    where = "WHERE merchant_id = $1 AND plan_id = $2 ORDER BY id DESC LIMIT 1"
    return await REFUNDS.one(conn, where, merchant_id, plan_id)


async def of_refunds(
    conn: Conn, merchant_id: str, refund_ids: Sequence[str]
) -> Sequence[Repayment]:
    """Their latest 1,000 repayments, oldest first."""
    where = "WHERE merchant_id = $1 AND refund_id = ANY($2::text[]) ORDER BY id DESC LIMIT 1000"
    return (await REPAYMENTS.all(conn, where, merchant_id, list(refund_ids)))[::-1]


async def known(conn: Conn, events: Sequence[RefundUpdate]) -> Ids[str]:
    """Ids of events that repeat the recorded state of a refund, or are older."""
    found = await conn.fetch(
        "SELECT event.event_id"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::timestamptz[])"
        " AS event (event_id, merchant_id, reference, succeeded, at)"
        " JOIN repayments AS known USING (merchant_id, reference)"
        " WHERE event.at < known.told_at OR known.state = 'succeeded' AND event.succeeded"
        " OR known.state = 'failed' AND NOT event.succeeded",
        [event.event_id for event in events],
        [event.merchant_id for event in events],
        [event.reference for event in events],
        [event.succeeded for event in events],
        [event.at for event in events],
    )
    return {row["event_id"] for row in found}
