"""The price of an order with a courier, by the same rules as the offer. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from libs.errors import invalid
from libs.money import Money
from services.cod.errors import CodNotAvailable
from services.cod.rules import fees, offers
from services.cod.rules.couriers import CollectionMode, Courier
from services.cod.rules.fees import Deposit
from services.cod.rules.offers import Cart, CourierOffer
from services.cod.rules.settings import Settings

NO_COURIER: Final = "no_courier"  # the merchant has none
MODE: Final = "mode"  # no courier accepts it


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    quantity: int
    unit_amount_minor: int  # negative for a discount


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The price of an order with a courier. Amount and fee make the total, of which the deposit is
    paid online and the rest collected.
    """

    amount: Money
    fee_minor: int
    fee_net_minor: int
    fee_vat_minor: int
    deposit_minor: int
    to_collect_minor: int
    cut_minor: int
    courier_id: str
    mode: CollectionMode


def sum_of(lines: Sequence[Line]) -> int:
    return sum(line.quantity * line.unit_amount_minor for line in lines)


def total_minor(settings: Settings, amount_minor: int) -> int:
    """Goods and shipping with the fee."""
    return amount_minor + fees.charged(settings.fee, amount_minor).fee_minor


def check_lines(lines: Sequence[Line], amount_minor: int) -> None:
    """Raises InvalidArgument unless the lines sum to the amount, or there are none."""
    if lines and (sum_of(lines) != amount_minor or amount_minor < 1):
        raise invalid("lines", f"must sum to {amount_minor}, the amount, which is above 0")


def billed(
    couriers: Sequence[Courier],
    cart: Cart,
    settings: Settings,
    *,
    mode: CollectionMode | None,
    deposit_minor: int | None,
) -> Bill:
    """The bill by the offer's rules, with the cheapest of the couriers. Raises CodNotAvailable."""
    asked = settings
    if deposit_minor is not None:
        asked = replace(settings, deposit=Deposit(fixed_minor=deposit_minor))
    taking = [fit for courier in couriers if (fit := _taking(courier, mode)) is not None]
    if not taking:
        raise CodNotAvailable(facts={"because": MODE if couriers else NO_COURIER})
    offer = offers.compared(taking, cart, asked)[0]
    if offer.priced is None:
        raise CodNotAvailable(facts=_why(offer))
    priced = offer.priced
    return Bill(
        amount=cart.price,
        fee_minor=priced.fee.fee_minor,
        fee_net_minor=priced.fee.net_minor,
        fee_vat_minor=priced.fee.vat_minor,
        deposit_minor=priced.deposit_minor,
        to_collect_minor=priced.collect_minor,
        cut_minor=priced.cut_minor,
        courier_id=offer.courier.id,
        mode=priced.modes[0],
    )


def _taking(courier: Courier, mode: CollectionMode | None) -> Courier | None:
    """The courier as if it accepted only this mode, so that the limit reported is the mode's."""
    if mode is None:
        return courier
    modes = tuple(each for each in courier.modes if each.mode is mode)
    return replace(courier, modes=modes) if modes else None


def _why(offer: CourierOffer) -> dict[str, str]:
    no = offer.ineligible
    assert no is not None  # an offer is priced, or says why not
    facts = {"because": no.reason.value, "courier_id": offer.courier.id}
    if no.threshold is not None:
        facts["threshold_minor"] = str(no.threshold.amount_minor)
        facts["threshold_currency"] = no.threshold.currency
    if no.detail:
        facts["because_of"] = no.detail
    return facts
