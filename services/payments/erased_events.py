"""What is left of logged events and stored answers of payments when their customer was erased."""

from typing import Final

from incasso.payments.v1 import payments_pb2
from libs import erasing

PERSONAL: Final[erasing.Personal] = {
    "incasso.payments.v1.Payment": ("metadata", "next_action"),
    "incasso.payments.v1.Refund": ("reason",),
}


def event_left(subject: str, body: bytes) -> bytes:
    return erasing.event_left(subject, body, PERSONAL)


def answer_left(answer: bytes) -> bytes:
    return erasing.clear(payments_pb2.Payment.FromString(answer), PERSONAL)
