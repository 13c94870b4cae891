"""SQL of links and of their monthly count."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any, Final

from libs.db import Conn, Row
from libs.money import Money
from libs.pages import Page
from services.paylink.rules.domain import (
    Acceptance,
    Channel,
    LineItem,
    Link,
    Method,
    Origin,
    Quote,
    Recipient,
)
from services.paylink.rules.states import LinkState
from services.paylink.rules.transitions import due_at

CHANGED: Final = "paylink_links"  # the channel on which a changed link is told of

_COLUMNS: Final = (
    "merchant_id, id, state, version, amount_minor, currency, deposit_minor, paid_minor,"
    " description, order_reference, recipient_name, recipient_email, recipient_phone, channels,"
    " locale, line_items, quote, acceptance, reusable, max_uses, uses, methods, reminder_days,"
    " reminders_stopped, next_reminder_at, reissue_on_expiry, reissued_by_itself, reissues,"
    " creditor_reference, customer_id, payment_id, paying_by, origin, balance_of, cart_id,"
    " success_url, metadata, trace_id, expires_in_days, expires_at, issued_at, sent_at, seen_at,"
    " paid_at, ended_at, created_at, due_at"
)
_NAMES: Final = _COLUMNS.split(", ")
_SELECT: Final = f"SELECT {_COLUMNS} FROM links"  # noqa: S608 - made of constants
_CHANGING: Final = [
    name
    for name in _NAMES
    if name not in {"merchant_id", "id", "version", "currency", "creditor_reference", "created_at"}
]
# $1 merchant, $2 id, $3 state before, $4 steps of the version, then _CHANGING.
_UPDATE: Final = f"""
WITH changed AS (
    UPDATE links SET version = version + $4::integer, held_until = '-infinity',
        {", ".join(f"{name} = ${number}" for number, name in enumerate(_CHANGING, 5))}
    WHERE merchant_id = $1 AND id = $2 AND state = $3
    RETURNING id, version
)
SELECT version, pg_notify('{CHANGED}', id) FROM changed"""  # noqa: S608 - made of constants


class LinkChangedError(RuntimeError):
    """A link was saved that the transaction had not locked."""


def link_of(row: Row) -> Link:
    quote, acceptance = row["quote"], row["acceptance"]
    return Link(
        id=row["id"],
        merchant_id=row["merchant_id"],
        state=LinkState(row["state"]),
        version=row["version"],
        amount=Money(row["amount_minor"], row["currency"]),
        deposit_minor=row["deposit_minor"],
        paid_minor=row["paid_minor"],
        description=row["description"],
        order_reference=row["order_reference"],
        recipient=Recipient(row["recipient_name"], row["recipient_email"], row["recipient_phone"]),
        channels=tuple(Channel(channel) for channel in row["channels"]),
        locale=row["locale"],
        line_items=tuple(LineItem(**item) for item in row["line_items"]),
        quote=Quote(**quote) if quote else None,
        acceptance=_acceptance(acceptance) if acceptance else None,
        reusable=row["reusable"],
        max_uses=row["max_uses"],
        uses=row["uses"],
        methods=tuple(Method(method) for method in row["methods"]),
        reminder_days=tuple(row["reminder_days"]),
        reminders_stopped=row["reminders_stopped"],
        next_reminder_at=row["next_reminder_at"],
        reissue_on_expiry=row["reissue_on_expiry"],
        reissued_by_itself=row["reissued_by_itself"],
        reissues=row["reissues"],
        creditor_reference=row["creditor_reference"],
        customer_id=row["customer_id"],
        payment_id=row["payment_id"],
        paying_by=Method(row["paying_by"]) if row["paying_by"] else None,
        origin=Origin(row["origin"]),
        balance_of=row["balance_of"],
        cart_id=row["cart_id"],
        success_url=row["success_url"],
        metadata=row["metadata"],
        trace_id=row["trace_id"],
        expires_in_days=row["expires_in_days"],
        expires_at=row["expires_at"],
        issued_at=row["issued_at"],
        sent_at=row["sent_at"],
        seen_at=row["seen_at"],
        paid_at=row["paid_at"],
        ended_at=row["ended_at"],
        created_at=row["created_at"],
    )


def _acceptance(stored: Mapping[str, Any]) -> Acceptance:
    at = datetime.fromisoformat(stored["accepted_at"])
    return Acceptance(**{**stored, "accepted_at": at})


def _values(link: Link, names: Sequence[str]) -> list[object]:
    acceptance = asdict(link.acceptance) if link.acceptance else None
    if acceptance is not None:
        acceptance["accepted_at"] = acceptance["accepted_at"].isoformat()
    special: dict[str, object] = {
        "state": link.state.value,
        "amount_minor": link.amount.amount_minor,
        "currency": link.amount.currency,
        "recipient_name": link.recipient.name,
        "recipient_email": link.recipient.email,
        "recipient_phone": link.recipient.phone,
        "channels": [channel.value for channel in link.channels],
        "line_items": [asdict(item) for item in link.line_items],
        "quote": asdict(link.quote) if link.quote else None,
        "acceptance": acceptance,
        "methods": [method.value for method in link.methods],
        "reminder_days": list(link.reminder_days),
        "paying_by": link.paying_by.value if link.paying_by else None,
        "origin": link.origin.value,
        "metadata": dict(link.metadata),
        "due_at": due_at(link),
    }
    return [special[name] if name in special else getattr(link, name) for name in names]


async def insert(conn: Conn, link: Link) -> None:
    marks = ", ".join(f"${number}" for number, _ in enumerate(_NAMES, 1))
    sql = f"INSERT INTO links ({_COLUMNS}) VALUES ({marks})"  # noqa: S608 - made of constants
    await conn.execute(sql, *_values(link, _NAMES))


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
        *_values(after, _CHANGING),
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
    row = await conn.fetchrow(_SELECT + " WHERE merchant_id = $1 AND id = $2", merchant_id, link_id)
    return None if row is None else link_of(row)


async def lock(conn: Conn, merchant_id: str, link_id: str) -> Link | None:
    """Who changes a link or its payments holds this lock."""
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE", merchant_id, link_id
    )
    return None if row is None else link_of(row)


async def lock_all(
    conn: Conn, merchant_id: str, *, ids: Sequence[str] = (), references: Sequence[str] = ()
) -> Sequence[Link]:
    """Those with these ids or creditor references, locked in the order in which all lock several."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1"
        " AND (id = ANY($2::text[]) OR creditor_reference = ANY($3::text[]))"
        " ORDER BY id FOR NO KEY UPDATE",
        merchant_id,
        list(ids),
        list(references),
    )
    return [link_of(row) for row in rows]


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
) -> Sequence[Link]:
    """One row more than the page has, newest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND id < $2"
        " AND ($3::text IS NULL OR state = $3)"
        " AND ($4::timestamptz IS NULL OR created_at >= $4)"
        " AND ($5::timestamptz IS NULL OR created_at < $5)"
        " AND ($6::text IS NULL OR order_reference = $6)"
        " ORDER BY id DESC LIMIT $7",
        merchant_id,
        page.before,
        state.value if state else None,
        created_from,
        created_to,
        order_reference,
        page.limit + 1,
    )
    return [link_of(row) for row in rows]


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
