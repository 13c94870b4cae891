"""What is left of logged events and stored answers when their person was erased."""

from typing import Final

from incasso.paylink.v1 import paylink_pb2, shop_pb2
from libs import erasing

PERSONAL: Final[erasing.Personal] = {
    "incasso.paylink.v1.PaymentLink": ("recipient", "metadata", "channels", "next_reminder_at"),
    "incasso.paylink.v1.QuoteAcceptance": ("ip", "user_agent"),
    "incasso.paylink.v1.LinkPayment": ("payer_email",),
    "incasso.paylink.v1.Cart": ("recipient", "metadata"),
    # The text of a transfer, and what was noted of it, may name the payer.
    "incasso.paylink.v1.BankTransfer": ("creditor_reference",),
    "incasso.paylink.v1.BankTransferMove": ("note",),
}


def event_left(subject: str, body: bytes) -> bytes:
    return erasing.event_left(subject, body, PERSONAL)


def link_left(answer: bytes) -> bytes:
    return erasing.clear(paylink_pb2.PaymentLink.FromString(answer), PERSONAL)


def cart_left(answer: bytes) -> bytes:
    return erasing.clear(shop_pb2.Cart.FromString(answer), PERSONAL)


def transfer_left(answer: bytes) -> bytes:
    return erasing.clear(paylink_pb2.BankTransfer.FromString(answer), PERSONAL)
