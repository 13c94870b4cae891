"""SQL of messages and their tries."""

from collections.abc import Sequence
from datetime import datetime

from libs.db import Conn, Row
from libs.pages import Page
from services.notify.messages.rules.domain import Channel, Kind, Message, State, about_of

COLUMNS = (
    "id, merchant_id, state, kind, channel, recipient, locale, payment_link_id, payment_id,"
    " customer_id, event_id, about, attempts, error, provider_reference, resend_of, due_at,"
    " handing_over_at, body_sha256, sent_at, delivered_at, queued_at, created_at"
)
_SELECT = f"SELECT {COLUMNS} FROM messages"  # noqa: S608 - made of constants


def message_of(row: Row) -> Message:
    values = {name: row[name] for name in COLUMNS.replace(" ", "").split(",")}
    return Message(
        **{
            **values,
            "state": State(row["state"]),
            "kind": Kind(row["kind"]),
            "channel": Channel(row["channel"]),
            "about": about_of(row["about"]),
        }
    )


async def insert(conn: Conn, messages: Sequence[Message]) -> int:
    """Queue them, due now; how many were new: an event makes each of its messages once."""
    return await conn.execute(
        "INSERT INTO messages (merchant_id, id, state, kind, channel, recipient, locale,"
        " payment_link_id, payment_id, customer_id, event_id, about, resend_of, created_at,"
        " due_at, queued_at)"
        " SELECT merchant_id, id, 'queued', kind, channel, recipient, locale, payment_link_id,"
        "   payment_id, customer_id, event_id, about, resend_of, created_at, now(), now()"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
        "   $7::text[], $8::text[], $9::text[], $10::text[], $11::jsonb[], $12::text[],"
        "   $13::timestamptz[])"
        " AS new (merchant_id, id, kind, channel, recipient, locale, payment_link_id, payment_id,"
        "   customer_id, event_id, about, resend_of, created_at)"
        " ON CONFLICT (merchant_id, event_id, channel, kind) WHERE resend_of IS NULL DO NOTHING",
        [message.merchant_id for message in messages],
        [message.id for message in messages],
        [message.kind.value for message in messages],
        [message.channel.value for message in messages],
        [message.recipient for message in messages],
        [message.locale for message in messages],
        [message.payment_link_id for message in messages],
        [message.payment_id for message in messages],
        [message.customer_id for message in messages],
        [message.event_id for message in messages],
        [message.about.as_json() for message in messages],
        [message.resend_of for message in messages],
        [message.created_at for message in messages],
    )


async def get(conn: Conn, merchant_id: str, message_id: str) -> Message | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2", merchant_id, message_id
    )
    return None if row is None else message_of(row)


async def lock(conn: Conn, merchant_id: str, message_id: str) -> Message | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE", merchant_id, message_id
    )
    return None if row is None else message_of(row)


async def lock_by_id(conn: Conn, message_id: str) -> Message | None:
    """For returned mail, whose address has no room for the merchant."""
    row = await conn.fetchrow(_SELECT + " WHERE id = $1 FOR NO KEY UPDATE", message_id)
    return None if row is None else message_of(row)


async def lock_by_reference(conn: Conn, reference: str) -> Message | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE provider_reference = $1 AND channel <> 'email' FOR NO KEY UPDATE",
        reference,
    )
    return None if row is None else message_of(row)


async def page(
    conn: Conn,
    merchant_id: str,
    page: Page,
    *,
    state: State | None,
    payment_link_id: str | None,
    payment_id: str | None,
    created_from: datetime | None,
    created_to: datetime | None,
) -> Sequence[Message]:
    """One row more than the page has, newest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND id < $2"
        " AND ($3::text IS NULL OR state = $3)"
        " AND ($4::text IS NULL OR payment_link_id = $4)"
        " AND ($5::text IS NULL OR payment_id = $5)"
        " AND ($6::timestamptz IS NULL OR created_at >= $6)"
        " AND ($7::timestamptz IS NULL OR created_at < $7)"
        " ORDER BY id DESC LIMIT $8",
        merchant_id,
        page.before,
        state,
        payment_link_id,
        payment_id,
        created_from,
        created_to,
        page.limit + 1,
    )
    return [message_of(row) for row in rows]


async def told_before(conn: Conn, merchant_id: str, payment_id: str) -> Message | None:
    """The receipt of a payment by e-mail, which names who paid."""
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND payment_id = $2 AND recipient <> ''"
        " AND kind = 'receipt' AND channel = 'email' AND resend_of IS NULL ORDER BY id LIMIT 1",
        merchant_id,
        payment_id,
    )
    return None if row is None else message_of(row)


async def has_receipt(conn: Conn, merchant_id: str, payment_id: str) -> bool:
    """Whether the payment was, or is about to be, confirmed to somebody."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM messages WHERE merchant_id = $1 AND payment_id = $2"
        " AND kind = 'receipt')",
        merchant_id,
        payment_id,
    )
    return found


async def erase_customer(conn: Conn, merchant_id: str, customer_id: str) -> None:
    """Forget the person; what was sent when, and for how much, stays.

    Without the customer's id a try that is under way finds nobody, and stores no address again.
    """
    await conn.execute(
        "UPDATE messages SET recipient = '', about = about || '{\"name\": \"\"}', customer_id = NULL,"
        " state = CASE WHEN state = 'queued' THEN 'obsolete' ELSE state END,"
        " due_at = CASE WHEN state = 'queued' THEN NULL ELSE due_at END"
        " WHERE merchant_id = $1 AND customer_id = $2",
        merchant_id,
        customer_id,
    )


async def known_references(conn: Conn, references: Sequence[str]) -> frozenset[str]:
    """Which of a provider's references are stored with messages already."""
    rows = await conn.fetch(
        "SELECT provider_reference FROM messages WHERE provider_reference = ANY($1)",
        list(references),
    )
    return frozenset(row["provider_reference"] for row in rows)
