"""What the outside sees: resources as protobuf."""

from collections.abc import Sequence
from typing import Final

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import instalments_pb2 as pb
from libs import taeg, wire
from libs.money import Money
from services.instalments.documents.figures import Figures
from services.instalments.documents.label import label_of
from services.instalments.documents.model import Proposed
from services.instalments.rules.merchants import Merchant
from services.instalments.rules.offers import PlanOffer, Priced
from services.instalments.rules.quotes import Quote
from services.instalments.rules.regimes import PlanClass
from services.instalments.rules.schedule import Part
from services.instalments.rules.terms import Terms

METHOD: Final = "instalments"
NO_TERMS: Final = "no_terms"  # the merchant has archived all
TAEG_PLACES: Final = 2

_CLASSES: Final = wire.numbers(PlanClass, offer_pb2.InstalmentOffer.LegalClass)


def terms_pb(terms: Terms) -> pb.InstalmentTerms:
    return wire.message(pb.InstalmentTerms, terms)


def quote_pb(quote: Quote) -> pb.InstalmentQuote:
    offer = offer_pb2.InstalmentOffer.FromString(quote.offer)
    return wire.message(pb.InstalmentQuote, quote, offer=offer)


def method_pb(found: Sequence[offer_pb2.InstalmentOffer]) -> offer_pb2.Offer:
    """For checkout-options: available when any of the terms is, and else why the first is not."""
    first = next((offer for offer in found if offer.available), None)
    reason = found[0].reason if found else NO_TERMS
    return offer_pb2.Offer(
        method=METHOD,
        available=first is not None,
        reason=reason if first is None else None,
        label="" if first is None else first.label,
        instalments=found,
    )


def compared_pb(
    offers: Sequence[PlanOffer], merchant: Merchant, locale: str
) -> Sequence[offer_pb2.InstalmentOffer]:
    return [offer_pb(offer, merchant, locale) for offer in offers]


def offer_pb(offer: PlanOffer, merchant: Merchant, locale: str) -> offer_pb2.InstalmentOffer:
    """With the words that the law wants beside a price, in the reader's language."""
    terms = offer.terms
    shown = offer_pb2.InstalmentOffer(
        terms_id=terms.id,
        name=terms.name,
        payments=terms.payments,
        interest_basis_points=terms.interest_basis_points,
    )
    if offer.ineligible is not None:
        shown.reason = offer.ineligible.reason.value
        shown.detail = offer.ineligible.detail
        if offer.ineligible.threshold is not None:
            shown.threshold.CopyFrom(wire.money(offer.ineligible.threshold))
    if offer.priced is not None:
        shown.available = True
        shown.MergeFrom(_priced_pb(offer.priced, locale))
    return shown


def _priced_pb(priced: Priced, locale: str) -> offer_pb2.InstalmentOffer:
    planned, classified = priced.schedule, priced.classification
    currency = planned.amount.currency
    figures = Figures(
        Proposed(locale=locale, schedule=planned, taeg=priced.taeg, classification=classified)
    )
    return offer_pb2.InstalmentOffer(
        label=label_of(planned.parts, currency, locale),
        schedule=[part_pb(part) for part in planned.parts],
        total=wire.money(Money(planned.total_minor, currency)),
        cost_minor=planned.cost_minor,
        taeg=str(taeg.rounded(priced.taeg, TAEG_PLACES)),
        legal_class=_CLASSES[classified.plan_class],
        article=classified.article,
        regime=classified.regime,
        legal_sentence=figures.legal(),
        warning=figures.warning() or None,
        representative_example=figures.example() if classified.representative_example else None,
    )


def part_pb(part: Part) -> offer_pb2.InstalmentPart:
    return wire.message(offer_pb2.InstalmentPart, part, amount_minor=part.total_minor)
