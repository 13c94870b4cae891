"""State machines of links, of payment attempts and of bank transfers."""

from collections.abc import Mapping
from enum import Enum
from itertools import product
from typing import Final

from libs.payments.answer import Outcome


class LinkState(Enum):
    CREATED = "created"
    SENT = "sent"
    SEEN = "seen"
    QUOTE_ACCEPTED = "quote_accepted"
    PAYING = "paying"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class LinkEvent(Enum):
    """BACK_TO_… restores the state before a failed payment, or an old address."""

    SEND = "send"
    SEE = "see"
    ACCEPT = "accept"
    PAY = "pay"
    SUCCEED = "succeed"
    EXPIRE = "expire"
    CANCEL = "cancel"
    BACK_TO_CREATED = "back_to_created"
    BACK_TO_SENT = "back_to_sent"
    BACK_TO_SEEN = "back_to_seen"
    BACK_TO_QUOTE_ACCEPTED = "back_to_quote_accepted"


LINK_OPEN: Final = (
    LinkState.CREATED,
    LinkState.SENT,
    LinkState.SEEN,
    LinkState.QUOTE_ACCEPTED,
)
BACK: Final[Mapping[LinkState, LinkEvent]] = {
    LinkState.CREATED: LinkEvent.BACK_TO_CREATED,
    LinkState.SENT: LinkEvent.BACK_TO_SENT,
    LinkState.SEEN: LinkEvent.BACK_TO_SEEN,
    LinkState.QUOTE_ACCEPTED: LinkEvent.BACK_TO_QUOTE_ACCEPTED,
}
LINK_INITIAL: Final = LinkState.CREATED
LINK_FINAL: Final = frozenset({LinkState.PAID})
LINK_TRANSITIONS: Final[Mapping[tuple[LinkState, LinkEvent], LinkState]] = {
    (LinkState.CREATED, LinkEvent.SEND): LinkState.SENT,
    (LinkState.SENT, LinkEvent.SEND): LinkState.SENT,
    (LinkState.SEEN, LinkEvent.SEND): LinkState.SEEN,
    (LinkState.QUOTE_ACCEPTED, LinkEvent.SEND): LinkState.QUOTE_ACCEPTED,
    (LinkState.CREATED, LinkEvent.SEE): LinkState.SEEN,
    (LinkState.SENT, LinkEvent.SEE): LinkState.SEEN,
    **{(state, LinkEvent.ACCEPT): LinkState.QUOTE_ACCEPTED for state in LINK_OPEN},
    **{(state, LinkEvent.PAY): LinkState.PAYING for state in LINK_OPEN},
    **{(state, LinkEvent.SUCCEED): LinkState.PAID for state in (*LINK_OPEN, LinkState.PAYING)},
    # Its last payer was still paying, or money arrived after the end and was assigned to it.
    (LinkState.EXPIRED, LinkEvent.SUCCEED): LinkState.PAID,
    (LinkState.CANCELLED, LinkEvent.SUCCEED): LinkState.PAID,
    **{(state, LinkEvent.EXPIRE): LinkState.EXPIRED for state in (*LINK_OPEN, LinkState.PAYING)},
    # Paying by an announced transfer; a card payment in progress has to end first.
    **{(state, LinkEvent.CANCEL): LinkState.CANCELLED for state in (*LINK_OPEN, LinkState.PAYING)},
    **{
        (state, event): to
        for state, (to, event) in product((LinkState.PAYING, LinkState.EXPIRED), BACK.items())
    },
}


class PaymentState(Enum):
    """State of an attempt to pay a link."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


PAYMENT_INITIAL: Final = PaymentState.PROCESSING
PAYMENT_FINAL: Final = frozenset(
    {PaymentState.SUCCEEDED, PaymentState.DECLINED, PaymentState.CANCELLED}
)
PAYMENT_TRANSITIONS: Final[Mapping[tuple[PaymentState, Outcome], PaymentState]] = {
    (PaymentState.PROCESSING, Outcome.WAIT): PaymentState.PROCESSING,
    (PaymentState.PROCESSING, Outcome.SUCCEED): PaymentState.SUCCEEDED,
    (PaymentState.PROCESSING, Outcome.DECLINE): PaymentState.DECLINED,
    (PaymentState.PROCESSING, Outcome.CANCEL): PaymentState.CANCELLED,
    (PaymentState.PROCESSING, Outcome.REFUSE): PaymentState.CANCELLED,
}


class TransferState(Enum):
    """State of money that arrived in the bank account. Unmatched transfers with a link wait for its
    payment.
    """

    UNMATCHED = "unmatched"
    LATE = "late"  # its link had ended unpaid
    MATCHED = "matched"
    PARTIAL = "partial"
    SURPLUS = "surplus"
    GIVEN_BACK = "given_back"


class TransferEvent(Enum):
    """What happens to a transfer's money that is neither used nor returned."""

    COME_LATE = "come_late"
    PAY_ALL = "pay_all"
    PAY_PART = "pay_part"
    EXCEED = "exceed"
    TAKE_BACK = "take_back"  # from the link that it partly paid
    GIVE_BACK = "give_back"  # to the payer, outside of Incasso


TRANSFER_INITIAL: Final = TransferState.UNMATCHED
TRANSFER_FINAL: Final = frozenset({TransferState.MATCHED, TransferState.GIVEN_BACK})
TRANSFER_OPEN: Final = (TransferState.UNMATCHED, TransferState.LATE, TransferState.SURPLUS)
TRANSFER_TRANSITIONS: Final[Mapping[tuple[TransferState, TransferEvent], TransferState]] = {
    (TransferState.UNMATCHED, TransferEvent.COME_LATE): TransferState.LATE,
    **{(state, TransferEvent.PAY_ALL): TransferState.MATCHED for state in TRANSFER_OPEN},
    **{(state, TransferEvent.PAY_PART): TransferState.PARTIAL for state in TRANSFER_OPEN},
    **{(state, TransferEvent.EXCEED): TransferState.SURPLUS for state in TRANSFER_OPEN},
    **{(state, TransferEvent.GIVE_BACK): TransferState.GIVEN_BACK for state in TRANSFER_OPEN},
    (TransferState.PARTIAL, TransferEvent.TAKE_BACK): TransferState.SURPLUS,
}
