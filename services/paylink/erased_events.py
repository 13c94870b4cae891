"""What is left of logged events and stored answers when their person was erased."""

from collections.abc import Mapping
from typing import Any, Final

from incasso.paylink.v1 import events_pb2, paylink_pb2, shop_pb2
from services.paylink.events import LINK, LINK_MESSAGES, SATISFACTION
from services.paylink.shop_events import RECOVERED, RECOVERY_SENT
from services.paylink.transfer_events import TRANSFER, TRANSFER_MESSAGES

_MESSAGES: Final[Mapping[str, Any]] = {
    **{f"{LINK}.{verb}": message for verb, message in LINK_MESSAGES.items()},
    **{f"{TRANSFER}.{verb}": message for verb, message in TRANSFER_MESSAGES.items()},
    SATISFACTION: events_pb2.SatisfactionGiven,
    RECOVERY_SENT: events_pb2.CartRecoverySent,
    RECOVERED: events_pb2.CartRecovered,
}


def event_left(subject: str, body: bytes) -> bytes:
    """An event without the person whom it concerns; whatever names nobody stays as it is."""
    if subject not in _MESSAGES:
        return body
    event = _MESSAGES[subject].FromString(body)
    _forget(event)
    return bytes(event.SerializeToString())


def link_left(answer: bytes) -> bytes:
    link = paylink_pb2.PaymentLink.FromString(answer)
    _forget_link(link)
    return link.SerializeToString()


def cart_left(answer: bytes) -> bytes:
    cart = shop_pb2.Cart.FromString(answer)
    _forget_cart(cart)
    return cart.SerializeToString()


def transfer_left(answer: bytes) -> bytes:
    transfer = paylink_pb2.BankTransfer.FromString(answer)
    _forget_transfer(transfer)
    return transfer.SerializeToString()


def _forget(event: Any) -> None:
    for field, _ in event.ListFields():
        if field.name == "payment_link":
            _forget_link(event.payment_link)
        elif field.name == "link_payment":
            event.link_payment.ClearField("payer_email")
        elif field.name == "cart":
            _forget_cart(event.cart)
        elif field.name == "bank_transfer":
            _forget_transfer(event.bank_transfer)


def _forget_transfer(transfer: paylink_pb2.BankTransfer) -> None:
    """The text of a transfer and what was noted of it may name the payer."""
    transfer.ClearField("creditor_reference")
    for move in transfer.moves:
        move.ClearField("note")


def _forget_cart(cart: shop_pb2.Cart) -> None:
    cart.ClearField("recipient")
    cart.ClearField("metadata")


def _forget_link(link: paylink_pb2.PaymentLink) -> None:
    link.ClearField("recipient")
    link.ClearField("metadata")
    link.ClearField("channels")
    link.ClearField("next_reminder_at")
    if link.quote.HasField("acceptance"):
        link.quote.acceptance.ClearField("ip")
        link.quote.acceptance.ClearField("user_agent")
