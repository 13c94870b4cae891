"""Credits whose text names a payment link: each is reported to paylink once, with its answer.
Pure.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum


class LinkTransferState(Enum):
    PENDING = "pending"  # paylink was not called yet, or has not answered
    RECORDED = "recorded"
    REFUSED = "refused"  # for a person to look at


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTransfer:
    """`id`: the bank line's. `outcome`: paylink's state of the transfer, or the reason for its
    refusal. `text` is deleted once paylink has answered.
    """

    merchant_id: str
    id: str
    state: LinkTransferState
    bank_reference: str
    amount_minor: int
    currency: str
    text: str | None
    booked_on: date
    bank_transfer_id: str | None
    outcome: str | None
    payment_link_id: str | None
    created_at: datetime
    settled_at: datetime | None
