"""Which terms are available for a cart, at what price, and why the others are not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from libs.errors import InvalidArgument
from libs.money import Money
from libs.taeg import NoRateError
from services.instalments.rules import regimes, schedule, taeg
from services.instalments.rules.regimes import Classification, NoRegimeError, Offered, Regime
from services.instalments.rules.schedule import Schedule, TooSmallError
from services.instalments.rules.terms import Bearer, Terms, TermsState


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """The purchase to be paid. `country`: the shopper's, whose law applies; None: the seller's.

    `categories` of all its items; `segments` of the shopper. `signed_on`: the first payment.
    Without `delivered_on` the goods are assumed to arrive on that day.
    """

    amount: Money
    signed_on: date
    country: str | None = None
    categories: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    delivered_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """`large`: not an SME. `authorised`: may give credit."""

    jurisdiction: str
    large: bool
    authorised: bool


class Reason(Enum):
    """Why terms are not available."""

    ARCHIVED = "archived"
    CURRENCY = "currency"
    COUNTRY = "country"
    SEGMENT = "segment"
    CATEGORY = "category"
    MINIMUM_AMOUNT = "minimum_amount"
    MAXIMUM_AMOUNT = "maximum_amount"
    TOO_SMALL_FOR_PAYMENTS = "too_small_for_payments"
    DATES = "dates"  # its payments would fall on invalid dates
    NO_RATE = "no_rate"  # its costs leave nothing to lend, or it has no TAEG
    CREDIT_NOT_ALLOWED = "credit_not_allowed"  # without a licence or a partner


@dataclass(frozen=True, slots=True)
class Ineligible:
    """`threshold`: the minimum or maximum amount. `detail`: the category that is not financed, the
    currency or country that would qualify, or the article that requires a licence.
    """

    reason: Reason
    threshold: Money | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Priced:
    """`taeg` in percent. `merchant_cost_minor`: the fees that the merchant bears."""

    schedule: Schedule
    taeg: Decimal
    classification: Classification
    merchant_cost_minor: int


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """Either priced or ineligible."""

    terms: Terms
    priced: Priced | None = None
    ineligible: Ineligible | None = None


def compared(terms: Sequence[Terms], cart: Cart, seller: Seller) -> tuple[PlanOffer, ...]:
    """Each of the terms, in order."""
    return tuple(offer_of(each, cart, seller) for each in terms)


def offer_of(terms: Terms, cart: Cart, seller: Seller) -> PlanOffer:
    if unfit := _unfit(terms, cart):
        return PlanOffer(terms, ineligible=unfit)
    country = cart.country or seller.jurisdiction
    try:
        regime = regimes.in_force(country, cart.signed_on)
    except NoRegimeError:
        return PlanOffer(terms, ineligible=Ineligible(Reason.COUNTRY, detail=country))
    priced = _priced(terms, cart, seller, regime)
    if isinstance(priced, Ineligible):
        return PlanOffer(terms, ineligible=priced)
    needed = priced.classification.licence_article
    if needed is not None and not seller.authorised:
        no = Ineligible(Reason.CREDIT_NOT_ALLOWED, detail=needed)
        return PlanOffer(terms, ineligible=no)
    return PlanOffer(terms, priced=priced)


def _unfit(terms: Terms, cart: Cart) -> Ineligible | None:
    """Why the terms themselves exclude the cart."""
    if terms.state is not TermsState.ACTIVE:
        return Ineligible(Reason.ARCHIVED)
    if cart.amount.currency != terms.currency:
        return Ineligible(Reason.CURRENCY, detail=terms.currency)
    if terms.segments and not set(terms.segments) & set(cart.segments):
        return Ineligible(Reason.SEGMENT)
    return _unfit_categories(terms, cart) or _unfit_amount(terms, cart.amount)


def _unfit_categories(terms: Terms, cart: Cart) -> Ineligible | None:
    """All items have to be in a financed category; an item without categories is unknown."""
    for category in cart.categories:
        only = terms.categories and category not in terms.categories
        if only or category in terms.excluded_categories:
            return Ineligible(Reason.CATEGORY, detail=category)
    if terms.categories and not cart.categories:
        return Ineligible(Reason.CATEGORY)
    return None


def _unfit_amount(terms: Terms, amount: Money) -> Ineligible | None:
    if amount.amount_minor < terms.min_amount_minor:
        least = Money(terms.min_amount_minor, terms.currency)
        return Ineligible(Reason.MINIMUM_AMOUNT, threshold=least)
    if amount.amount_minor > terms.max_amount_minor:
        most = Money(terms.max_amount_minor, terms.currency)
        return Ineligible(Reason.MAXIMUM_AMOUNT, threshold=most)
    return None


def _priced(terms: Terms, cart: Cart, seller: Seller, regime: Regime) -> Priced | Ineligible:
    try:
        planned = schedule.planned(
            terms, cart.amount, cart.signed_on, holidays_of=regime.jurisdiction
        )
        percent = taeg.of(planned)
    except TooSmallError:
        return Ineligible(Reason.TOO_SMALL_FOR_PAYMENTS)
    except InvalidArgument as invalid:
        return Ineligible(Reason.DATES, detail=invalid.violations[0].description)
    except NoRateError:
        return Ineligible(Reason.NO_RATE)
    offered = Offered(
        amount=cart.amount,
        interest_minor=planned.interest_minor,
        fees_minor=planned.fees_minor,
        signed_on=cart.signed_on,
        last_due_on=planned.last_due_on,
        delivered_on=cart.delivered_on,
        financed_by=terms.financed_by,
        large_seller=seller.large,
    )
    bears = terms.fees_borne_by is Bearer.MERCHANT
    fees = schedule.fees(terms, cart.amount.amount_minor).of(terms.payments)
    return Priced(
        schedule=planned,
        taeg=percent,
        classification=regimes.classify(regime, offered),
        merchant_cost_minor=fees if bears else 0,
    )
