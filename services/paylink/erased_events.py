"""Redacts an erased person's logged events and stored answers."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from incasso.paylink.v1 import paylink_pb2, shop_pb2
from libs import erasing

PERSONAL: Final[erasing.Personal] = {
    "incasso.paylink.v1.PaymentLink": ("recipient", "metadata", "channels", "next_reminder_at"),
    "incasso.paylink.v1.QuoteAcceptance": ("ip", "user_agent"),
    "incasso.paylink.v1.LinkPayment": ("payer_email",),
    "incasso.paylink.v1.Cart": ("recipient", "metadata"),
    # A transfer's text and notes may name the payer.
    "incasso.paylink.v1.BankTransfer": ("creditor_reference",),
    "incasso.paylink.v1.BankTransferMove": ("note",),
}


def event_left(subject: str, body: bytes) -> bytes:
    return erasing.event_left(subject, body, PERSONAL)


def _left(kind: Any, answer: bytes) -> bytes:
    return erasing.clear(kind.FromString(answer), PERSONAL)


# The calls whose stored answers may name a person, and how to redact those.
ANSWERS_LEFT: Final[Sequence[tuple[Sequence[str], Callable[[bytes], bytes]]]] = (
    (
        (
            "CreatePaymentLink",
            "CreateInstalmentLink",
            "SendPaymentLink",
            "ReissuePaymentLink",
            "CreateBalanceLink",
        ),
        partial(_left, paylink_pb2.PaymentLink),
    ),
    (("RecoverCart",), partial(_left, paylink_pb2.PaymentLink)),
    (("CreateCart",), partial(_left, shop_pb2.Cart)),
    (
        ("RecordBankTransfer", "SettleBankTransfer", "GiveBackBankTransfer"),
        partial(_left, paylink_pb2.BankTransfer),
    ),
)
