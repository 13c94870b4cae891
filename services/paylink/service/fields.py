"""What requests of every door say in the same words: message → domain."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from incasso.paylink.v1 import paylink_pb2 as pb
from libs.errors import invalid
from services.paylink.events import CHANNELS
from services.paylink.rules.domain import Channel, LineItem, Recipient

_CHANNELS: Final = {number: channel for channel, number in CHANNELS.items()}


def opt(message: Any, name: str) -> Any:
    """The value of an optional field; None when it was not sent."""
    return getattr(message, name) if message.HasField(name) else None


def known(values: dict[Any, Any], value: int, field: str) -> Any:
    """InvalidArgument for one that says nothing."""
    if value not in values:
        raise invalid(field, "is required")
    return values[value]


def channels_of(numbers: Iterable[int]) -> Sequence[Channel]:
    return tuple(known(_CHANNELS, number, f"channels.{at}") for at, number in enumerate(numbers))


def recipient_of(recipient: pb.Recipient) -> Recipient:
    return Recipient(
        name=opt(recipient, "name"), email=opt(recipient, "email"), phone=opt(recipient, "phone")
    )


def line_items_of(items: Iterable[pb.LineItem]) -> Sequence[LineItem]:
    return tuple(LineItem(item.name, item.quantity, item.unit_amount_minor) for item in items)
