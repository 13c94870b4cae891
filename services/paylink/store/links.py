"""SQL of links and their monthly count. Callers lock a link before changing it or its payments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from libs import combined_writes, rows
from libs.combined_writes import Write
from libs.db import Conn
from services.paylink.rules.domain import Link, LinkPayment
from services.paylink.rules.transitions import due_at
from services.paylink.store.payments import tries_selected, try_of

CHANGED: Final = "paylink_links"  # the channel that announces changed links

LINKS: Final = rows.Table("links", Link, spread={"recipient": "recipient_"})
_INSERT: Final = LINKS.insert(due_at="{}")
_CHANGING: Final = LINKS.but(
    "merchant_id", "id", "version", "currency", "creditor_reference", "created_at"
)
# $1 merchant, $2 id, $3 state before, $4 version steps, then _CHANGING and the due time.
_UPDATE: Final = f"""
UPDATE links SET version = version + $4::integer, held_until = '-infinity',
    {rows.assignments([*_CHANGING, "due_at"], first=5)}
WHERE merchant_id = $1 AND id = $2 AND state = $3 AND {{when}}
RETURNING id, version, links.xmin"""  # noqa: S608 - made of constants
_TOUCH: Final = """
UPDATE links SET version = version + 1 WHERE merchant_id = $1 AND id = $2 AND {when}
RETURNING id, version, links.xmin"""
# Waiting pages are notified on commit. The row's xmin identifies this write.
_ANSWER: Final = (
    f"max(version || ' ' || xmin::text || coalesce(pg_notify('{CHANGED}', id)::text, ''))"
)


class LinkChangedError(RuntimeError):
    """A link was saved that the transaction had not locked."""


async def insert(conn: Conn, link: Link) -> None:
    await conn.execute(_INSERT, *LINKS.values(link), due_at(link))


@dataclass(frozen=True, slots=True)
class Seen:
    """A link as written by one of our transactions. `row` (xmin) tells whether it has been written
    since.
    """

    link: Link
    row: str


def saved(before: Link, after: Link, *, shown: bool = True) -> Write:
    """Saves a link's changes; its answer is read by `seen`.

    `shown`: the page looks different, so its version changes.
    """
    state, due = before.state.value, due_at(after)
    key = (after.merchant_id, after.id, state, int(shown))
    return Write(_UPDATE, (*key, *LINKS.values(after, *_CHANGING), due), _ANSWER)


def touched(link: Link) -> Write:
    """Only the page's payment changed; its answer is read by `seen`."""
    return Write(_TOUCH, (link.merchant_id, link.id), _ANSWER)


def seen(link: Link, answer: str | None) -> Seen:
    """Raises LinkChangedError if nothing was written."""
    if answer is None:
        raise LinkChangedError(link.id)
    version, row = answer.split()
    return Seen(replace(link, version=int(version)), row)


async def save(conn: Conn, before: Link, after: Link, *, shown: bool = True) -> Link:
    """Writes a link locked in this transaction, and notifies waiting pages."""
    (answer,) = await combined_writes.execute(conn, saved(before, after, shown=shown)) or (None,)
    return seen(after, answer).link


async def touch(conn: Conn, link: Link) -> None:
    """The same if only the page's payment changed."""
    await combined_writes.execute(conn, touched(link))


_UNCHANGED: Final = """
SELECT FROM links JOIN link_payments AS try
    ON (try.merchant_id, try.link_id) = (links.merchant_id, links.id)
WHERE links.merchant_id = $1 AND links.id = $2 AND links.xmin::text = $3
    AND try.id = $4 AND try.state = $5 AND NOT EXISTS (
        SELECT FROM bank_transfers WHERE merchant_id = $1 AND link_id = $2 AND waits
    )
FOR NO KEY UPDATE OF links, try"""


def unchanged(seen: Seen, payment: LinkPayment) -> Write:
    """Whether the link is as it was read, its payment in progress, and no transfer waits for it.

    Recording a waiting transfer writes the link as well.
    """
    link, state = seen.link, payment.state.value
    return Write(_UNCHANGED, (link.merchant_id, link.id, seen.row, payment.id, state))


_LOCK_WITH: Final = f"""
SELECT {", ".join(f"links.{name}" for name in LINKS.columns)}, {tries_selected("try")}
FROM links JOIN link_payments AS try
    ON (try.merchant_id, try.link_id) = (links.merchant_id, links.id)
WHERE try.merchant_id = $1 AND try.id = $2 FOR NO KEY UPDATE OF links, try"""  # noqa: S608 - made of constants


async def lock_with(conn: Conn, payment: LinkPayment) -> tuple[Link, LinkPayment] | None:
    """Locks and reads the link of an attempt, and the attempt, until the end of the transaction."""
    row = await conn.fetchrow(_LOCK_WITH, payment.merchant_id, payment.id)
    return None if row is None else (LINKS.read(row), try_of(row, "try"))


async def lock_all(
    conn: Conn, merchant_id: str, *, ids: Sequence[str] = (), references: Sequence[str] = ()
) -> Sequence[Link]:
    """Those with these ids or creditor references, locked in the order used whenever several are
    locked.
    """
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


async def count(conn: Conn, merchant_id: str, month: date, *, most: int) -> bool:
    """Counts one more link for the month; False if `most` are already counted."""
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


async def used(conn: Conn, merchant_id: str, month: date) -> int:
    """How many are counted for the month."""
    counted: int | None = await conn.fetchval(
        "SELECT used FROM link_quotas WHERE merchant_id = $1 AND month = $2", merchant_id, month
    )
    return counted or 0
