"""The couriers with which a cart can be paid at the door, the amounts, and the reasons if it
cannot. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from libs.money import Money
from services.cod.rules import cash_limits, cuts, fees, zones
from services.cod.rules.couriers import CollectionMode, Courier, Mode
from services.cod.rules.fees import Charged
from services.cod.rules.settings import Offered, Settings
from services.cod.rules.zones import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """The cart to pay for. `country`: of delivery, whose law applies. `on`: the day.

    `failed_methods`: methods with which payment has already failed. `refusals`: orders that the
    recipient has not accepted recently.
    """

    price: Money
    country: str
    on: date
    postcode: str | None = None
    categories: tuple[str, ...] = ()
    failed_methods: tuple[str, ...] = ()
    refusals: int = 0


class Reason(Enum):
    """Why cash on delivery is not available."""

    NOT_OFFERED = "not_offered"
    NO_FAILED_PAYMENT = "no_failed_payment"  # offered only after a failed payment
    CURRENCY = "currency"
    REFUSALS = "refusals"  # the recipient has refused too many orders
    CATEGORY = "category"
    MINIMUM_AMOUNT = "minimum_amount"
    MAXIMUM_AMOUNT = "maximum_amount"
    COUNTRY = "country"  # the courier does not deliver there, or the cash limit is unknown
    POSTCODE = "postcode"
    POSTCODE_MISSING = "postcode_missing"  # the courier serves only some
    CASH_LIMIT = "cash_limit"  # the legal limit, for price and fee together
    COURIER_LIMIT = "courier_limit"
    NOTHING_TO_COLLECT = "nothing_to_collect"  # everything is prepaid


@dataclass(frozen=True, slots=True)
class Ineligible:
    """`threshold`: the amount to reach, or not to exceed. `detail`: what would be accepted, or what
    rules it out.
    """

    reason: Reason
    threshold: Money | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Price and fee make the total, of which the deposit is paid online and the rest collected."""

    fee: Charged
    total: Money
    deposit_minor: int
    collect_minor: int
    cut_minor: int
    modes: tuple[CollectionMode, ...]


@dataclass(frozen=True, slots=True)
class CourierOffer:
    """Either priced or ineligible."""

    courier: Courier
    priced: Priced | None = None
    ineligible: Ineligible | None = None


def compared(
    couriers: Sequence[Courier], cart: Cart, settings: Settings
) -> tuple[CourierOffer, ...]:
    """Available ones first, cheapest for the merchant first; then those closest to available."""
    offers = [offer_of(courier, cart, settings) for courier in couriers]
    return tuple(sorted(offers, key=_rank))


# Ordered by how easily a shopper or shop can change it: the first one is shown at checkout.
_LACK: Final = {
    Reason.POSTCODE_MISSING: 0,
    Reason.CASH_LIMIT: 1,
    Reason.COURIER_LIMIT: 1,
    Reason.POSTCODE: 2,
    Reason.COUNTRY: 3,
    Reason.CURRENCY: 4,
}
_MOST: Final = max(_LACK.values()) + 1  # applies to all couriers, by the settings


def _rank(offer: CourierOffer) -> tuple[bool, int, int]:
    no = offer.ineligible
    if no is not None:
        return True, _LACK.get(no.reason, _MOST), -_room(no)
    return False, offer.priced.cut_minor if offer.priced else 0, 0


def offer_of(courier: Courier, cart: Cart, settings: Settings) -> CourierOffer:
    place = zones.place_of(courier.zones, country=cart.country, postcode=cart.postcode)
    if unfit := _unfit(cart, settings) or _never(courier, cart, place):
        return CourierOffer(courier, ineligible=unfit)
    found = _priced(courier, cart, settings)
    if isinstance(found, Ineligible):
        return CourierOffer(courier, ineligible=found)
    if place is not Place.WITHIN:
        elsewhere = place is Place.OTHER_POSTCODE
        reason = Reason.POSTCODE if elsewhere else Reason.POSTCODE_MISSING
        return CourierOffer(courier, ineligible=Ineligible(reason))
    return CourierOffer(courier, priced=found)


def _priced(courier: Courier, cart: Cart, settings: Settings) -> Priced | Ineligible:
    fee = fees.charged(settings.fee, cart.price.amount_minor)
    total = cart.price.amount_minor + fee.fee_minor
    deposit = fees.deposit_of(settings.deposit, total)
    collect = total - deposit
    if not collect:
        return Ineligible(Reason.NOTHING_TO_COLLECT)
    against = {mode: _beyond(courier, mode, cart, total, collect) for mode in courier.modes}
    open_to = tuple(mode.mode for mode, no in against.items() if no is None)
    if not open_to:
        return max(filter(None, against.values()), key=_room)
    return Priced(
        fee=fee,
        total=Money(total, cart.price.currency),
        deposit_minor=deposit,
        collect_minor=collect,
        cut_minor=cuts.cut_of(courier.cut, collect),
        modes=open_to,
    )


def _room(no: Ineligible) -> int:
    return no.threshold.amount_minor if no.threshold else 0


def _unfit(cart: Cart, settings: Settings) -> Ineligible | None:
    """Why the merchant's settings exclude the cart, whichever the courier."""
    if settings.offered is Offered.NEVER:
        return Ineligible(Reason.NOT_OFFERED)
    if settings.offered is Offered.AFTER_FAILED_PAYMENT and not cart.failed_methods:
        return Ineligible(Reason.NO_FAILED_PAYMENT)
    if cart.price.currency != settings.currency:
        return Ineligible(Reason.CURRENCY, detail=settings.currency)
    if settings.refusals.most is not None and cart.refusals > settings.refusals.most:
        return Ineligible(Reason.REFUSALS, detail=str(cart.refusals))
    carts, price = settings.carts, cart.price
    if excluded := set(carts.excluded_categories) & set(cart.categories):
        return Ineligible(Reason.CATEGORY, detail=min(excluded))
    if price.amount_minor < carts.min_amount_minor:
        least = Money(carts.min_amount_minor, price.currency)
        return Ineligible(Reason.MINIMUM_AMOUNT, threshold=least)
    if carts.max_amount_minor is not None and price.amount_minor > carts.max_amount_minor:
        most = Money(carts.max_amount_minor, price.currency)
        return Ineligible(Reason.MAXIMUM_AMOUNT, threshold=most)
    return None


def _never(courier: Courier, cart: Cart, place: Place) -> Ineligible | None:
    """A reason that no other amount or postcode would change."""
    if courier.currency != cart.price.currency:
        return Ineligible(Reason.CURRENCY, detail=courier.currency)
    if place is Place.OTHER_COUNTRY:
        return Ineligible(Reason.COUNTRY, detail=cart.country)
    return None


def _beyond(
    courier: Courier, mode: Mode, cart: Cart, total_minor: int, collect_minor: int
) -> Ineligible | None:
    """The narrowest limit that this mode exceeds.

    The legal limit applies to the total: a deposit does not reduce it, since splitting is forbidden
    too.
    """
    currency = cart.price.currency
    caps = (courier.max_collect_minor, mode.max_collect_minor)
    found = [
        Ineligible(Reason.COURIER_LIMIT, Money(cap, currency))
        for cap in caps
        if cap is not None and collect_minor > cap
    ]
    if mode.mode is CollectionMode.CASH:
        law = cash_limits.in_force(cart.country, cart.on)
        if law is None:
            return Ineligible(Reason.COUNTRY, detail=cart.country)
        most = law.most(currency)
        if most is None:
            return Ineligible(Reason.CURRENCY, detail=law.currency)
        if total_minor > most.amount_minor:
            found.append(Ineligible(Reason.CASH_LIMIT, most, law.article))
    return min(found, key=_room, default=None)
