"""What a method service keeps of its question to payments, and what it is answered. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from google.protobuf.message import Message


class Outcome(Enum):
    """What an answer means for the row that asked. Each no is certain: no answer is no outcome."""

    WAIT = "wait"  # the money may be taken still: nobody tries another way
    SUCCEED = "succeed"  # it is held or taken
    DECLINE = "decline"
    CANCEL = "cancel"
    REFUSE = "refuse"  # payments made no payment of it


class Advice(Enum):
    """What a decline leaves open."""

    OTHER_PSP = "other_psp"  # another PSP may turn it into a yes, now
    LATER = "later"  # the same card may work another day
    ASK_SHOPPER = "ask_shopper"  # a challenge, or another card
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ScaHistory:
    """Payments on an instrument since its shopper's last challenge: how many, how much."""

    payments: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What was committed before payments is asked."""

    key: str  # id of the service's own row: asked again with it, it is the same payment
    request: bytes | None  # what payments is asked, sealed; None once it answered
    payment_id: str | None  # once it answered
    sca: ScaHistory | None = None  # where the request does not have it


@dataclass(frozen=True, slots=True)
class Decline:
    """Why payments' PSP said no. `code` is the number of payments' DeclineCode."""

    code: int
    message: str
    psp_code: str | None = None
    advice: Advice | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A payment as payments told it."""

    id: str
    key: str  # under which it was asked for
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
        """Whether the call that asked will be answered so for good."""
        return self.state != "processing"

    @property
    def challenged(self) -> bool:
        """Whether the shopper must pass a challenge."""
        return self.state == "requires_action"

    @property
    def held(self) -> bool:
        """Whether the money is held, and not taken so far."""
        return self.state == "authorised"

    @property
    def body(self) -> bytes:
        """The Payment message, to be passed on as it is."""
        return self.message.SerializeToString()
