"""SQL of payment links of missed parts. Changing one requires the lock of its plan."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from libs import rows
from libs.db import Conn
from libs.payments import links
from services.instalments.rules.links import PartLink

PART_LINKS: Final = rows.Table("part_links", PartLink)
_INSERT: Final = PART_LINKS.insert(due_at="now()")
_OPEN: Final = [state.value for state in links.OPEN]
_UNENDED: Final = [state.value for state in links.UNENDED]


async def insert(conn: Conn, link: PartLink) -> None:
    """Inserts a link to be requested at once."""
    await conn.execute(_INSERT, *PART_LINKS.values(link))


async def open_of(conn: Conn, merchant_id: str, plan_ids: Sequence[str]) -> Sequence[PartLink]:
    """The open links, locked, so that the worker is not requesting any of them meanwhile."""
    where = (
        "WHERE merchant_id = $1 AND plan_id = ANY($2::text[]) AND state = ANY($3::text[])"
        " ORDER BY id FOR NO KEY UPDATE"
    )
    return await PART_LINKS.all(conn, where, merchant_id, list(plan_ids), _OPEN)


async def unended(conn: Conn, merchant_id: str, plan_id: str) -> Sequence[PartLink]:
    """The links that can still be paid, locked."""
    where = (
        "WHERE merchant_id = $1 AND plan_id = $2 AND state = ANY($3::text[])"
        " ORDER BY id FOR NO KEY UPDATE"
    )
    return await PART_LINKS.all(conn, where, merchant_id, plan_id, _UNENDED)


async def find(
    conn: Conn, merchant_id: str, plan_id: str, number: int, payment_link_id: str
) -> PartLink | None:
    """The row of a payment link, otherwise the one whose link is not known yet."""
    where = (
        "WHERE merchant_id = $1 AND plan_id = $2 AND number = $3"
        " AND (payment_link_id = $4"
        " OR payment_link_id IS NULL AND state IN ('wanted', 'closing'))"
        " ORDER BY payment_link_id NULLS LAST, id DESC LIMIT 1"
    )
    return await PART_LINKS.one(conn, where, merchant_id, plan_id, number, payment_link_id)


async def save(conn: Conn, link: PartLink, *, due_in: timedelta = timedelta()) -> None:
    """A closing link falls due after `due_in`, others do not."""
    await conn.execute(
        "UPDATE part_links SET state = $3, payment_link_id = $4, checks = 0,"
        " due_at = CASE WHEN $3 = 'closing' THEN now() + $5 END"
        " WHERE merchant_id = $1 AND id = $2",
        link.merchant_id,
        link.id,
        link.state.value,
        link.payment_link_id,
        due_in,
    )
