"""Cards as paylink meets them: the PSP's field for a new one, and the shopper's saved ones. Pure."""

from dataclasses import dataclass

from services.paylink.rules.domain import Decline
from services.paylink.rules.states import PaymentEvent


@dataclass(frozen=True, slots=True)
class CardField:
    """What a browser needs to show a PSP's card field."""

    psp: str
    psp_account: str
    publishable_key: str
    field_url: str


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card of the link's customer. `charge` and `sca_history` are payments' own messages."""

    instrument_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    usable: bool
    charge: bytes
    sca_history: bytes


@dataclass(frozen=True, slots=True)
class NewCard:
    """A single-use token of a PSP's field."""

    psp_account: str
    token: str
    brand: str
    last4: str


@dataclass(frozen=True, slots=True)
class PaymentAnswer:
    """A payment as payments told it."""

    id: str
    state: str  # payments' own name: requires_action
    event: PaymentEvent
    link_payment_id: str | None = None  # the try that it was made for, where it says so
    next_action_type: str | None = None
    next_action_url: str | None = None
    decline: Decline | None = None
