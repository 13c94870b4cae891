"""Whether one click is offered for a cart, and the sentence that offers it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.display import FALLBACK, card_name, language_of
from libs.errors import Refusal
from libs.money import Money
from services.oneclick.errors import ChargeLimitExceeded, ConsentMissing, NoInstrument
from services.oneclick.rules import limits
from services.oneclick.rules.instruments import Card, InstrumentState, is_usable
from services.oneclick.rules.limits import Policy

UNKNOWN: Final = "customer_unknown"
_LABELS: Final = {
    "it": ("Paga con un clic", "Paga con {card}"),
    "en": ("One click", "Pay with {card}"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """`reason` says why not; the card is there only when the offer is."""

    reason: str | None
    label: str
    instrument_id: str = ""
    card: Card | None = None


def _texts(locale: str | None) -> tuple[str, str]:
    return _LABELS[language_of(locale or FALLBACK)]


def refused(reason: str, locale: str | None) -> Offer:
    return Offer(reason, _texts(locale)[0])


def of_card(
    card: Card,
    state: InstrumentState | None,
    *,
    instrument_id: str | None,
    consent_id: str | None,
    policy: Policy,
    amount: Money,
    locale: str | None,
    now: datetime,
) -> Offer:
    """Offer of a customer's default instrument, judged like the charge would be."""
    refusal = _refusal(card, state, consent_id, policy, amount=amount, now=now)
    if refusal is not None or instrument_id is None:
        return refused((refusal or NoInstrument).reason, locale)
    return Offer(
        None, _texts(locale)[1].format(card=card_name(card.brand, card.last4)), instrument_id, card
    )


def _refusal(
    card: Card,
    state: InstrumentState | None,
    consent_id: str | None,
    policy: Policy,
    *,
    amount: Money,
    now: datetime,
) -> type[Refusal] | None:
    """How the charge would be refused."""
    if state is None or not is_usable(state, card, now):
        return NoInstrument
    if consent_id is None:
        return ConsentMissing
    if not limits.fits(policy, amount):
        return ChargeLimitExceeded
    return None
