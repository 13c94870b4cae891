"""Whom a message is for, when its event did not say: asked at the time of sending.

A refund goes to whom the receipt of the same payment went, since that person paid. Otherwise the
customer's profile is asked. A payment of neither has nobody to tell: who was sent a link is not
asked, since somebody else may have paid it.
"""

from dataclasses import replace

from libs.db import Database
from services.notify.deps import Deps
from services.notify.messages.rules.domain import Contact, Message
from services.notify.messages.store import messages as store
from services.notify.messages.store import tries


async def with_contact(deps: Deps, message: Message) -> Message | None:
    """The message with its recipient, stored; None when there is nobody to tell."""
    if message.recipient:
        return message
    found = await _as_told_before(deps.db, message) or await _asked(deps, message)
    if found is None:
        return None
    async with deps.db.connection() as conn:
        await tries.set_contact(conn, found)
    return found


async def _as_told_before(db: Database, message: Message) -> Message | None:
    if message.payment_id is None:
        return None
    async with db.connection() as conn:
        before = await store.told_before(conn, message.merchant_id, message.payment_id)
    if before is None:
        return None
    contact = Contact(before.recipient, before.about.name, before.locale)
    return _for(message, contact)


async def _asked(deps: Deps, message: Message) -> Message | None:
    if message.customer_id is None:
        return None
    contact = await deps.customers.contact(message.customer_id)
    return None if contact is None else _for(message, contact)


def _for(message: Message, contact: Contact) -> Message:
    return replace(
        message,
        recipient=contact.address,
        locale=contact.locale or message.locale,
        about=replace(message.about, name=contact.name or message.about.name),
    )
