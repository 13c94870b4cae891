"""Write down what is to be said, in the transaction of the event that asks for it. No network."""

from collections.abc import Sequence
from datetime import datetime

from libs import ids
from libs.db import Conn
from services.notify import domain, retry
from services.notify.domain import LINK_KINDS, About, Channel, Kind, Message
from services.notify.store import messages as store


def message_about(
    *,
    merchant_id: str,
    event_id: str,
    kind: Kind,
    channel: Channel,
    about: About,
    created_at: datetime,
    queued_at: datetime,
    recipient: str = "",
    locale: str = "",
    payment_link_id: str | None = None,
    payment_id: str | None = None,
    customer_id: str | None = None,
) -> Message:
    """A message to be queued. Without `recipient` the contact is looked up when it is sent."""
    return Message(
        id=ids.new("msg"),
        merchant_id=merchant_id,
        state=domain.INITIAL,
        kind=kind,
        channel=channel,
        recipient=recipient,
        locale=locale,
        payment_link_id=payment_link_id or None,
        payment_id=payment_id or None,
        customer_id=customer_id or None,
        event_id=event_id,
        about=about,
        created_at=created_at,
        queued_at=queued_at,
    )


async def queue_messages(conn: Conn, messages: Sequence[Message]) -> None:
    """Each at most once per event, channel and kind; old confirmations not at all."""
    told = [message for message in messages if message.kind in LINK_KINDS or not _is_old(message)]
    if told:
        await store.insert(conn, told)


def _is_old(message: Message) -> bool:
    return message.queued_at - message.created_at > retry.STALE


async def forget_customer(conn: Conn, merchant_id: str, customer_id: str) -> None:
    """The customer's data were erased elsewhere; erase the copies."""
    await store.erase_customer(conn, merchant_id, customer_id)
