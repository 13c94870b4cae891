"""What a method service stores about its call to payments, and the answer. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from google.protobuf.message import Message


class Outcome(Enum):
    """What an answer means for the calling row. Every refusal is certain: a missing answer is not
    an outcome.
    """

    WAIT = "wait"  # the money may still be taken: do not try another way
    SUCCEED = "succeed"  # held or captured
    DECLINE = "decline"
    CANCEL = "cancel"
    REFUSE = "refuse"  # payments created no payment


class Advice(Enum):
    """What can be tried after a decline."""

    OTHER_PSP = "other_psp"  # another PSP may accept it now
    LATER = "later"  # the same card may work another day
    ASK_SHOPPER = "ask_shopper"  # a challenge, or another card
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ScaHistory:
    """Payments on an instrument since its shopper's last challenge: count and total."""

    payments: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What the service commits before it calls payments."""

    key: str  # id of the service's own row; repeating it gives the same payment
    request: bytes | None  # the request to payments, sealed; None once answered
    payment_id: str | None  # known once payments has answered
    sca: ScaHistory | None = None  # if the request does not contain it


@dataclass(frozen=True, slots=True)
class Decline:
    """Why the PSP declined. `code` is the number of payments' DeclineCode."""

    code: int
    message: str
    psp_code: str | None = None
    advice: Advice | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A payment as returned by payments."""

    id: str
    key: str  # key under which it was requested
    state: str  # payments' own name: requires_action
    outcome: Outcome
    capturable_minor: int
    capture_at: datetime | None
    next_action_type: str | None
    next_action_url: str | None
    decline: Decline | None
    message: Message = field(repr=False, compare=False)

    @property
    def settled(self) -> bool:
        """Whether the answer to the original call is final."""
        return self.state != "processing"

    @property
    def challenged(self) -> bool:
        """Whether the shopper has to pass a challenge."""
        return self.state == "requires_action"

    @property
    def held(self) -> bool:
        """Whether the money is held, and not captured yet."""
        return self.state == "authorised"

    @property
    def body(self) -> bytes:
        """The Payment message, to be passed on unchanged."""
        return self.message.SerializeToString()
