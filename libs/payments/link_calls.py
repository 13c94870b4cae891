"""Calls to paylink for links that a method service requests. All may be repeated."""

from typing import Any, Final

from google.protobuf.message import Message

from libs import client, deadlines
from libs.errors import RemoteRefusal
from libs.payments.certain import is_certain

PAYING: Final = "payment_link_paying"


async def create(method: Any, request: Message, *, key: str) -> str:
    """Id of the payment link, the same for the same key. Raises RemoteRefusal, OutcomeUnknown."""
    answer = await client.call(method, request, timeout_seconds=deadlines.READ, idempotency_key=key)
    payment_link_id: str = answer.payment_link.id
    return payment_link_id


async def close(method: Any, request: Message) -> None:
    """From here on, the link cannot be paid. If it was paid or has expired, it is already closed,
    and an event reports a payment. Raises RemoteRefusal while it is being paid (PAYING),
    OutcomeUnknown.
    """
    try:
        await client.call(method, request, timeout_seconds=deadlines.MONEY)
    except RemoteRefusal as refusal:
        if refusal.reason == PAYING or not is_certain(refusal):
            raise
