"""SQL of links and of their monthly count."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from services.paylink.rules.domain import Link
from services.paylink.rules.states import LinkState
from services.paylink.rules.transitions import due_at

CHANGED: Final = "paylink_links"  # the channel on which a changed link is told of

LINKS: Final = rows.Table("links", Link, spread={"recipient": "recipient_"})
_INSERT: Final = LINKS.insert(due_at="{}")
_FIXED: Final = {"merchant_id", "id", "version", "currency", "creditor_reference", "created_at"}
_CHANGING: Final = [name for name in LINKS.columns if name not in _FIXED]
# $1 merchant, $2 id, $3 state before, $4 steps of the version, then _CHANGING and when it is due.
_UPDATE: Final = f"""
WITH changed AS (
    UPDATE links SET version = version + $4::integer, held_until = '-infinity',
        {rows.assignments([*_CHANGING, "due_at"], first=5)}
    WHERE merchant_id = $1 AND id = $2 AND state = $3
    RETURNING id, version
)
SELECT version, pg_notify('{CHANGED}', id) FROM changed"""  # noqa: S608 - made of constants


class LinkChangedError(RuntimeError):
    """A link was saved that the transaction had not locked."""


async def insert(conn: Conn, link: Link) -> None:
    await conn.execute(_INSERT, *LINKS.values(link), due_at(link))


async def save(conn: Conn, before: Link, after: Link, *, shown: bool = True) -> Link:
    """Write what changed of a link that this transaction has locked, and tell who waits for it.

    `shown`: the page looks different, so that its version moves on.
    """
    row = await conn.fetchrow(
        _UPDATE,
        after.merchant_id,
        after.id,
        before.state.value,
        int(shown),
        *LINKS.values(after, *_CHANGING),
        due_at(after),
    )
    if row is None:
        raise LinkChangedError(after.id)
    return replace(after, version=row["version"])


async def touch(conn: Conn, link: Link) -> None:
    """Only the page's payment changed."""
    await conn.execute(
        "WITH changed AS (UPDATE links SET version = version + 1"
        " WHERE merchant_id = $1 AND id = $2 RETURNING id)"
        " SELECT pg_notify($3, id) FROM changed",
        link.merchant_id,
        link.id,
        CHANGED,
    )


async def get(conn: Conn, merchant_id: str, link_id: str) -> Link | None:
    return await LINKS.one(conn, "WHERE merchant_id = $1 AND id = $2", merchant_id, link_id)


async def lock(conn: Conn, merchant_id: str, link_id: str) -> Link | None:
    """Who changes a link or its payments holds this lock."""
    where = "WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE"
    return await LINKS.one(conn, where, merchant_id, link_id)


async def lock_all(
    conn: Conn, merchant_id: str, *, ids: Sequence[str] = (), references: Sequence[str] = ()
) -> Sequence[Link]:
    """Those with these ids or creditor references, locked in the order in which all lock several."""
    where = (
        "WHERE merchant_id = $1 AND (id = ANY($2::text[]) OR creditor_reference = ANY($3::text[]))"
        " ORDER BY id FOR NO KEY UPDATE"
    )
    return await LINKS.all(conn, where, merchant_id, list(ids), list(references))


async def balance_exists(conn: Conn, merchant_id: str, link_id: str) -> bool:
    """Whether there is a link for the balance of this one."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM links WHERE merchant_id = $1 AND balance_of = $2)",
        merchant_id,
        link_id,
    )
    return found


async def page(
    conn: Conn,
    merchant_id: str,
    page: Page,
    *,
    state: LinkState | None,
    created_from: datetime | None,
    created_to: datetime | None,
    order_reference: str | None,
) -> Listed[Link]:
    conditions = {
        "merchant_id = {}": merchant_id,
        "state = {}": state,
        "created_at >= {}": created_from,
        "created_at < {}": created_to,
        "order_reference = {}": order_reference,
    }
    return await pages.fetch(conn, LINKS, page, conditions)


async def count(conn: Conn, merchant_id: str, month: date, *, most: int) -> bool:
    """Count one more link of the month; False when `most` are there already."""
    if most < 1:
        return False
    counted = await conn.fetchval(
        "INSERT INTO link_quotas AS quota (merchant_id, month, used) VALUES ($1, $2, 1)"
        " ON CONFLICT (merchant_id, month) DO UPDATE SET used = quota.used + 1"
        " WHERE quota.used < $3 RETURNING used",
        merchant_id,
        month,
        most,
    )
    return counted is not None
