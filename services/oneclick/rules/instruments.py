"""Saved instruments: their states, when they expire, and when two are the same card. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from libs.errors import StoredRefusal
from libs.payments.answer import ScaHistory
from services.oneclick.errors import InstrumentNotUsable, TooManyInstruments

MAX_INSTRUMENTS: Final = 20
_DECEMBER: Final = 12


class InstrumentState(Enum):
    SETTING_UP = "setting_up"  # payments was called, or is about to be; not visible yet
    REQUIRES_ACTION = "requires_action"
    ACTIVE = "active"  # shown as expired after its expiry date
    REFUSED = "refused"
    MERGED = "merged"  # the customer already had this card
    DETACHED = "detached"


class InstrumentEvent(Enum):
    READY = "ready"
    CHALLENGE = "challenge"
    REFUSE = "refuse"
    MERGE = "merge"
    DETACH = "detach"


INSTRUMENT_INITIAL: Final = InstrumentState.SETTING_UP
INSTRUMENT_FINAL: Final = frozenset(
    {InstrumentState.REFUSED, InstrumentState.MERGED, InstrumentState.DETACHED}
)
INSTRUMENT_TRANSITIONS: Final[Mapping[tuple[InstrumentState, InstrumentEvent], InstrumentState]] = {
    (InstrumentState.SETTING_UP, InstrumentEvent.READY): InstrumentState.ACTIVE,
    (InstrumentState.SETTING_UP, InstrumentEvent.CHALLENGE): InstrumentState.REQUIRES_ACTION,
    (InstrumentState.SETTING_UP, InstrumentEvent.REFUSE): InstrumentState.REFUSED,
    (InstrumentState.SETTING_UP, InstrumentEvent.MERGE): InstrumentState.MERGED,
    (InstrumentState.SETTING_UP, InstrumentEvent.DETACH): InstrumentState.DETACHED,
    (InstrumentState.REQUIRES_ACTION, InstrumentEvent.CHALLENGE): InstrumentState.REQUIRES_ACTION,
    (InstrumentState.REQUIRES_ACTION, InstrumentEvent.READY): InstrumentState.ACTIVE,
    (InstrumentState.REQUIRES_ACTION, InstrumentEvent.REFUSE): InstrumentState.REFUSED,
    (InstrumentState.REQUIRES_ACTION, InstrumentEvent.MERGE): InstrumentState.MERGED,
    (InstrumentState.REQUIRES_ACTION, InstrumentEvent.DETACH): InstrumentState.DETACHED,
    (InstrumentState.ACTIVE, InstrumentEvent.DETACH): InstrumentState.DETACHED,
}
UNSETTLED: Final = frozenset({InstrumentState.SETTING_UP, InstrumentState.REQUIRES_ACTION})
# The instruments of a customer that a merchant sees.
SHOWN: Final = frozenset({InstrumentState.REQUIRES_ACTION, InstrumentState.ACTIVE})
KNOWN: Final = SHOWN | {InstrumentState.DETACHED}


@dataclass(frozen=True, slots=True)
class Token:
    """A PSP account's token for an instrument."""

    psp_account: str
    token: str
    psp_customer: str


@dataclass(frozen=True, slots=True)
class Card:
    """What a PSP says about an instrument. `fingerprint` is the same for the same card, or ""."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    country: str
    fingerprint: str


NO_CARD: Final = Card("", "", 0, 0, "", "")  # until the PSP has answered


@dataclass(frozen=True, slots=True)
class SetUp:
    """Payments' answer to a setup. `next_action_url` is "" unless there is a challenge."""

    card: Card
    token: Token
    next_action_url: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A saved card or account."""

    id: str
    merchant_id: str
    customer_id: str
    state: InstrumentState
    consent_id: str | None
    make_default: bool
    psp_account: str
    setup_request: bytes | None  # the request to payments, sealed; None when finished
    created_at: datetime
    card: Card = NO_CARD
    tokens: tuple[Token, ...] = ()
    next_action_url: str = ""
    last_challenge_at: datetime | None = None
    merged_into: str | None = None
    refusal: StoredRefusal | None = None


@dataclass(frozen=True, slots=True)
class ShownInstrument:
    """An instrument as shown with its customer, as of `at`: an active card past its date is
    expired.
    """

    instrument: Instrument
    default: bool
    at: datetime


def shown(
    instruments: Iterable[Instrument], default_id: str | None, at: datetime
) -> Sequence[ShownInstrument]:
    """The default first."""
    found = [ShownInstrument(each, each.id == default_id, at) for each in instruments]
    return sorted(found, key=lambda each: not each.default)


@dataclass(frozen=True, slots=True)
class Chargeable:
    """An instrument for another method. `charge` is payments' Instrument message, passed on
    unchanged.
    """

    instrument: ShownInstrument
    charge: bytes
    history: ScaHistory | None


def is_expired(card: Card, now: datetime) -> bool:
    """A card works until the end of its month, UTC; one without a date never expires."""
    if card.exp_year == 0 or card.exp_month == 0:
        return False
    years, month = divmod(card.exp_month, _DECEMBER)
    return now >= datetime(card.exp_year + years, month + 1, 1, tzinfo=UTC)


def is_usable(state: InstrumentState, card: Card, now: datetime) -> bool:
    return state is InstrumentState.ACTIVE and not is_expired(card, now)


def usable(instrument: Instrument, now: datetime) -> Instrument:
    """The instrument if it can be charged. Raises InstrumentNotUsable otherwise."""
    if not is_usable(instrument.state, instrument.card, now):
        raise InstrumentNotUsable
    return instrument


def room_for_instrument(count: int) -> None:
    """Raises TooManyInstruments if `count` is already the maximum."""
    if count >= MAX_INSTRUMENTS:
        raise TooManyInstruments


def same_card(others: Iterable[Instrument], card: Card) -> Instrument | None:
    """The customer's active instrument for the same card; oldest first."""
    if not card.fingerprint:
        return None
    return next(
        (
            other
            for other in others
            if other.state is InstrumentState.ACTIVE and other.card.fingerprint == card.fingerprint
        ),
        None,
    )


@dataclass(frozen=True, slots=True)
class Merge:
    """The result of setting up an instrument again, and the token to delete at its PSP."""

    card: Card
    tokens: tuple[Token, ...]
    leftover: Token | None


def merge(existing: Instrument, new: SetUp) -> Merge:
    """Another PSP account adds its token. At the same account the card with the later date wins (a
    renewed card keeps its fingerprint); the other token is deleted.
    """
    old = next((t for t in existing.tokens if t.psp_account == new.token.psp_account), None)
    if old is None:
        return Merge(existing.card, (*existing.tokens, new.token), None)
    renewed = (new.card.exp_year, new.card.exp_month) > (
        existing.card.exp_year,
        existing.card.exp_month,
    )
    if not renewed:
        return Merge(existing.card, existing.tokens, new.token if new.token != old else None)
    kept = tuple(new.token if t is old else t for t in existing.tokens)
    return Merge(new.card, kept, old if old.token != new.token.token else None)
