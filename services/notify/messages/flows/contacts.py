"""The recipient of a message whose event did not name one, looked up when it is sent.

A refund goes to the recipient of the same payment's receipt, who paid. Otherwise the customer's
profile is used. With neither, no message is sent: the recipient of a link is no substitute, since
somebody else may have paid it. A customer with only a phone is notified about plans only.
"""

from dataclasses import replace

from services.notify.deps import Deps
from services.notify.messages.rules.domain import PLAN_KINDS, Channel, Contact, Message
from services.notify.messages.store import messages as store


async def with_contact(deps: Deps, message: Message) -> Message | None:
    """The message with its recipient and a channel that reaches it; None if there is nobody to
    notify.
    """
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
    receipt = await deps.batcher.statement(store.receipts_of, payment)
    if receipt is None:
        return None
    return Contact(receipt.channel, receipt.recipient, receipt.about.name, receipt.locale)


async def _customer(deps: Deps, message: Message) -> Contact | None:
    return await deps.customers.contact(message.customer_id) if message.customer_id else None
