"""Write down what is to be said, in the transaction of the event that asks for it. No network."""

from collections.abc import Sequence

from libs.db import Conn
from services.notify.messages.rules import retry
from services.notify.messages.rules.domain import LINK_KINDS, Message
from services.notify.messages.store import messages as store


async def queue_messages(conn: Conn, messages: Sequence[Message]) -> None:
    """Each at most once per event, channel and kind; old confirmations not at all."""
    current = [
        message
        for message in messages
        if message.kind in LINK_KINDS or message.queued_at - message.created_at <= retry.STALE
    ]
    if current:
        await store.insert(conn, current)


async def forget_customer(conn: Conn, merchant_id: str, customer_id: str) -> None:
    """The customer's data were erased elsewhere; erase the copies."""
    await store.erase_customer(conn, merchant_id, customer_id)
