"""SQL of messages. SQL of their attempts is in attempts.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import pages, rows
from libs.db import Conn
from libs.pages import Listed, Page
from services.notify.messages.rules.domain import UNDER_WAY, Message, State

# Set while a message waits or is in progress: see attempts.py.
_DUE: Final = """(
    SELECT due_at FROM due_messages
    WHERE due_messages.merchant_id = messages.merchant_id AND due_messages.id = messages.id)"""
MESSAGES: Final = rows.Table("messages", Message, sql={"due_at": _DUE})
# The columns that are known when a message is queued.
_NEW: Final = {
    "merchant_id": "text",
    "id": "text",
    "kind": "text",
    "channel": "text",
    "recipient": "text",
    "locale": "text",
    "payment_link_id": "text",
    "payment_id": "text",
    "customer_id": "text",
    "plan_id": "text",
    "cod_order_id": "text",
    "event_id": "text",
    "about": "jsonb",
    "resend_of": "text",
    "created_at": "timestamptz",
}
_ARRAYS: Final = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_NEW.values(), 1))
_INSERT: Final = f"""
WITH queued AS (
    INSERT INTO messages ({", ".join(_NEW)}, state, queued_at)
    SELECT *, 'queued', now() FROM unnest({_ARRAYS}) AS new
    ON CONFLICT (merchant_id, event_id, channel, kind) WHERE resend_of IS NULL DO NOTHING
    RETURNING merchant_id, id, channel
)
INSERT INTO due_messages (merchant_id, id, channel, due_at)
SELECT merchant_id, id, channel, now() FROM queued"""  # noqa: S608 - made of constants


_COMMON: Final = UNDER_WAY | {State.SENT}  # omitted from `listed_state`
_IS_DUE: Final = "id IN (SELECT id FROM due_messages WHERE merchant_id = {})"


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """None: any."""

    state: State | None
    payment_link_id: str | None
    payment_id: str | None
    created_from: datetime | None
    created_to: datetime | None


async def insert(conn: Conn, messages: Sequence[Message]) -> None:
    """Queues them, due now. An event creates each of its messages once."""
    await conn.execute(_INSERT, *MESSAGES.arrays(messages, *_NEW))


async def lock_by_id(conn: Conn, message_id: str) -> Message | None:
    """For returned mail, whose return address does not include the merchant."""
    return await MESSAGES.one(conn, "WHERE id = $1 FOR NO KEY UPDATE", message_id)


async def lock_by_reference(conn: Conn, reference: str) -> Message | None:
    where = "WHERE text_reference = $1 FOR NO KEY UPDATE"
    return await MESSAGES.one(conn, where, reference)


async def page(conn: Conn, merchant_id: str, page: Page, wanted: MessageFilter) -> Listed[Message]:
    state = wanted.state
    conditions = {
        "merchant_id = {}": merchant_id,
        "state = {}": state,
        # Lets the query use the index of rare states, or the few due rows.
        "listed_state = {}": None if state in _COMMON else state,
        _IS_DUE: merchant_id if state in UNDER_WAY else None,
        "payment_link_id = {}": wanted.payment_link_id,
        "payment_id = {}": wanted.payment_id,
        "created_at >= {}": wanted.created_from,
        "created_at < {}": wanted.created_to,
    }
    return await pages.fetch(conn, MESSAGES, page, conditions)


async def receipts_of(conn: Conn, payments: Sequence[tuple[str, str]]) -> Sequence[Message | None]:
    """The e-mail receipt, which names the payer, of each payment (merchant and id)."""
    found = await MESSAGES.all(
        conn,
        "JOIN unnest($1::text[], $2::text[]) AS asked (merchant_id, payment_id)"
        " USING (merchant_id, payment_id)"
        " WHERE recipient <> '' AND kind = 'receipt' AND channel = 'email' AND resend_of IS NULL"
        " ORDER BY id DESC",
        [merchant_id for merchant_id, _ in payments],
        [payment_id for _, payment_id in payments],
    )
    first = {(receipt.merchant_id, receipt.payment_id): receipt for receipt in found}
    return [first.get(payment) for payment in payments]


async def has_receipt(conn: Conn, merchant_id: str, payment_id: str) -> bool:
    """Whether a receipt for the payment was sent or is about to be."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM messages WHERE merchant_id = $1 AND payment_id = $2"
        " AND kind = 'receipt')",
        merchant_id,
        payment_id,
    )
    return found


async def erase_customer(conn: Conn, merchant_id: str, customer_id: str) -> None:
    """Removes the person; what was sent, when and for how much stays.

    Without the customer's id, an attempt in progress cannot store the address again.
    """
    await conn.execute(
        "WITH erased AS ("
        "  UPDATE messages SET recipient = '', about = about || '{\"name\": \"\"}',"
        "    customer_id = NULL, state = CASE WHEN state = 'queued' THEN 'obsolete' ELSE state END"
        "  WHERE merchant_id = $1 AND customer_id = $2 RETURNING id, state"
        ")"
        " DELETE FROM due_messages USING erased"
        " WHERE merchant_id = $1 AND due_messages.id = erased.id AND state = 'obsolete'",
        merchant_id,
        customer_id,
    )


async def known_references(conn: Conn, references: Sequence[str]) -> frozenset[str]:
    """Which of a provider's references are already stored with messages."""
    found = await conn.fetch(
        "SELECT text_reference FROM messages WHERE text_reference = ANY($1)",
        list(references),
    )
    return frozenset(row["text_reference"] for row in found)
