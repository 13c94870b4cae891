"""The fee's share of money that is collected in several amounts. Pure.

The fee is covered first, and its VAT in proportion: the shares sum to fee and VAT, to the cent,
however many parcels bring the money.
"""

from dataclasses import dataclass

from services.cod.rules.orders import Order


@dataclass(frozen=True, slots=True)
class FeeShare:
    fee_minor: int
    vat_minor: int


def fee_share(before: Order, after: Order) -> FeeShare:
    """The fee's share of the money collected between the two amounts."""
    old, new = _paid(before), _paid(after)
    return FeeShare(new.fee_minor - old.fee_minor, new.vat_minor - old.vat_minor)


def _paid(order: Order) -> FeeShare:
    fee = min(order.fee_minor, order.collected_minor)
    vat = order.fee_vat_minor * fee // order.fee_minor if order.fee_minor else 0
    return FeeShare(fee, vat)
