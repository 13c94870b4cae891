"""Whether one click is offered for a cart, and the sentence that offers it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.display import FALLBACK, card_name, language_of
from libs.errors import Refusal
from libs.money import Money
from services.oneclick.errors import ChargeLimitExceeded, ConsentMissing, NoInstrument
from services.oneclick.rules import spending
from services.oneclick.rules.domain import CustomerState
from services.oneclick.rules.instruments import Card, InstrumentState, Token, is_usable
from services.oneclick.rules.spending import Policy

UNKNOWN: Final = "customer_unknown"
_LABELS: Final = {
    "it": ("Paga con un clic", "Paga con {card}"),
    "en": ("One click", "Pay with {card}"),
}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Everything that a click needs to know about a customer. None: it does not exist."""

    customer_state: CustomerState
    locale: str | None
    wanted_id: str | None  # id of the instrument to charge, whether it exists or not
    instrument_id: str | None
    instrument_state: InstrumentState | None
    card: Card
    tokens: tuple[Token, ...]
    consent_id: str | None
    last_challenge_at: datetime | None
    address_id: str | None
    policy: Policy


@dataclass(frozen=True, slots=True)
class Offer:
    """`reason` says why it is not available; the card is set only if it is."""

    reason: str | None
    label: str
    instrument_id: str = ""
    card: Card | None = None


def _texts(locale: str | None) -> tuple[str, str]:
    return _LABELS[language_of(locale or FALLBACK)]


def refused(reason: str, locale: str | None) -> Offer:
    return Offer(reason, _texts(locale)[0])


def of_buyer(buyer: Buyer, amount: Money, now: datetime) -> Offer:
    """Offers a customer's default instrument, checked as the charge would be."""
    refusal = _refusal(buyer, amount, now)
    if refusal is not None or buyer.instrument_id is None:
        return refused((refusal or NoInstrument).reason, buyer.locale)
    card = buyer.card
    label = _texts(buyer.locale)[1].format(card=card_name(card.brand, card.last4))
    return Offer(None, label, buyer.instrument_id, card)


def _refusal(buyer: Buyer, amount: Money, now: datetime) -> type[Refusal] | None:
    """The refusal that the charge would get, if any."""
    if buyer.instrument_state is None or not is_usable(buyer.instrument_state, buyer.card, now):
        return NoInstrument
    if buyer.consent_id is None:
        return ConsentMissing
    if not spending.fits(buyer.policy, amount):
        return ChargeLimitExceeded
    return None
