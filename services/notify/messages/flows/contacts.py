"""Whom a message is for, when its event did not say: asked at the time of sending.

A refund goes to whom the receipt of the same payment went, since that person paid. Otherwise the
customer's profile is asked. A payment of neither has nobody to tell: who was sent a link is not
asked, since somebody else may have paid it. Whoever has a phone alone is told of plans, and of nothing else.
"""

from dataclasses import replace

from services.notify.deps import Deps
from services.notify.messages.rules.domain import PLAN_KINDS, Channel, Contact, Message
from services.notify.messages.store import messages as store


async def with_contact(deps: Deps, message: Message) -> Message | None:
    """The message with its recipient, and the channel that reaches it; None when there is nobody to tell."""
    if message.recipient:
        return message
    contact = await _who_paid(deps, message) or await _customer(deps, message)
    if contact is None or (contact.channel is Channel.SMS and message.kind not in PLAN_KINDS):
        return None
    return replace(
        message,
        channel=contact.channel,
        recipient=contact.address,
        locale=message.locale or contact.locale,
        about=replace(message.about, name=contact.name or message.about.name),
    )


async def _who_paid(deps: Deps, message: Message) -> Contact | None:
    if message.payment_id is None:
        return None
    payment = (message.merchant_id, message.payment_id)
    receipt = await deps.joint.statement(store.receipts_of, payment)
    if receipt is None:
        return None
    return Contact(receipt.channel, receipt.recipient, receipt.about.name, receipt.locale)


async def _customer(deps: Deps, message: Message) -> Contact | None:
    return await deps.customers.contact(message.customer_id) if message.customer_id else None
