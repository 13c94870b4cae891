"""SQL of refunds of online payments. Callers that change one hold the lock of its order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.online_refunds import OnlineRefund

ONLINE_REFUNDS: Final = rows.Table("online_refunds", OnlineRefund)
_CHANGES: Final = ("state", "reference", "refusal", "told_at")
_INSERT: Final = ONLINE_REFUNDS.insert(due_at="now()")


@dataclass(frozen=True, slots=True)
class EventPayment:
    """An event of payments: a refund of this payment has moved."""

    event_id: str
    merchant_id: str
    payment_id: str


async def add(conn: Conn, refunds: Sequence[OnlineRefund]) -> None:
    """Adds intents: the worker requests them at once, and follows them until they have ended."""
    for refund in refunds:  # rarely more than one
        await conn.execute(_INSERT, *ONLINE_REFUNDS.values(refund))


async def save(conn: Conn, refund: OnlineRefund) -> None:
    """Saves a report; a refund that has ended is no longer due."""
    still = "CASE WHEN $3 IN ('started', 'under_way') THEN due_at END"
    changes = f"{rows.assignments(_CHANGES, first=3)}, due_at = {still}"
    await ONLINE_REFUNDS.change(conn, refund, changes, *ONLINE_REFUNDS.values(refund, *_CHANGES))


async def of_orders(
    conn: Conn, merchant_id: str, order_ids: Sequence[str]
) -> Sequence[OnlineRefund]:
    where = "WHERE merchant_id = $1 AND order_id = ANY($2::text[]) ORDER BY order_id, link, number"
    return await ONLINE_REFUNDS.all(conn, where, merchant_id, list(order_ids))


async def of_payment(conn: Conn, merchant_id: str, payment_id: str) -> Sequence[OnlineRefund]:
    where = "WHERE merchant_id = $1 AND payment_id = $2 ORDER BY number"
    return await ONLINE_REFUNDS.all(conn, where, merchant_id, payment_id)


async def of_others(conn: Conn, events: Sequence[EventPayment]) -> Collection[str]:
    """Ids of events about payments without refunds here."""
    found = await conn.fetch(
        "SELECT event.event_id FROM unnest($1::text[], $2::text[], $3::text[])"
        " AS event (event_id, merchant_id, payment_id) WHERE NOT EXISTS (SELECT FROM online_refunds"
        " WHERE online_refunds.merchant_id = event.merchant_id"
        " AND online_refunds.payment_id = event.payment_id)",
        [event.event_id for event in events],
        [event.merchant_id for event in events],
        [event.payment_id for event in events],
    )
    return {row["event_id"] for row in found}
