"""Cards as paylink meets them: the PSP's field for a new one, and the shopper's saved ones. Pure."""

from dataclasses import dataclass


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
