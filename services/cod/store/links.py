"""SQL of payment links of orders. Callers that change one hold the lock of its order."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from libs import rows
from libs.db import Conn
from libs.payments import links
from libs.payments.due import CHECK_AFTER
from services.cod.rules.order_links import OrderLink, Purpose

ORDER_LINKS: Final = rows.Table("order_links", OrderLink)
_INSERT: Final = ORDER_LINKS.insert(due_at="now() + {}::interval")
_OPEN: Final = [state.value for state in links.OPEN]


async def insert(conn: Conn, link: OrderLink) -> None:
    """Inserts a link. The caller requests it at once; the worker retries if there is no answer."""
    await conn.execute(_INSERT, *ORDER_LINKS.values(link), CHECK_AFTER)


async def open_of(conn: Conn, merchant_id: str, order_ids: Sequence[str]) -> Sequence[OrderLink]:
    """The open links, locked, so that the worker is not recording any of them meanwhile."""
    where = (
        "WHERE merchant_id = $1 AND order_id = ANY($2::text[]) AND state = ANY($3::text[])"
        " ORDER BY id FOR NO KEY UPDATE"
    )
    return await ORDER_LINKS.all(conn, where, merchant_id, list(order_ids), _OPEN)


async def paid_of(conn: Conn, merchant_id: str, order_ids: Sequence[str]) -> Sequence[OrderLink]:
    """The links that were paid."""
    where = "WHERE merchant_id = $1 AND order_id = ANY($2::text[]) AND state = 'paid' ORDER BY order_id, number"
    return await ORDER_LINKS.all(conn, where, merchant_id, list(order_ids))


async def last(conn: Conn, merchant_id: str, order_id: str, purpose: Purpose) -> OrderLink | None:
    where = "WHERE merchant_id = $1 AND order_id = $2 AND purpose = $3 ORDER BY number DESC LIMIT 1"
    return await ORDER_LINKS.one(conn, where, merchant_id, order_id, purpose.value)


async def open_deposits(
    conn: Conn, merchant_id: str, order_ids: Sequence[str]
) -> Sequence[OrderLink]:
    """The deposits' links that can be paid now."""
    where = (
        "WHERE merchant_id = $1 AND order_id = ANY($2::text[]) AND purpose = 'deposit'"
        " AND state = 'open'"
    )
    return await ORDER_LINKS.all(conn, where, merchant_id, list(order_ids))


async def save(conn: Conn, link: OrderLink, *, due_in: timedelta = timedelta()) -> None:
    """A closing link falls due after `due_in`, others do not."""
    await conn.execute(
        "UPDATE order_links SET state = $3, payment_link_id = $4, payment_id = $5, paid_minor = $6,"
        " checks = 0, due_at = CASE WHEN $3 = 'closing' THEN now() + $7 END,"
        " sealed_url = CASE WHEN $3 = 'open' THEN $8 END"
        " WHERE merchant_id = $1 AND id = $2",
        link.merchant_id,
        link.id,
        link.state.value,
        link.payment_link_id,
        link.payment_id,
        link.paid_minor,
        due_in,
        link.sealed_url,
    )
