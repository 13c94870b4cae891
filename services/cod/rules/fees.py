"""What a shopper pays for cash on delivery, and how much of the order online before. Pure.

A fee is what the shopper pays: its VAT is part of it and never on top, so that what was promised is
what is collected, to the cent.
"""

from dataclasses import dataclass
from fractions import Fraction

from libs.rounding import WHOLE, half_up, share


@dataclass(frozen=True, slots=True)
class Tier:
    """From a price on: a fixed part and a share of the price."""

    from_minor: int = 0
    fixed_minor: int = 0
    basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Fee:
    """Tiers upwards, of which the last that the price reaches counts. None: no fee."""

    tiers: tuple[Tier, ...] = ()
    vat_basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Deposit:
    """Of the total, from `from_minor` on: a fixed part and a share."""

    fixed_minor: int = 0
    basis_points: int = 0
    from_minor: int = 0


@dataclass(frozen=True, slots=True)
class Charged:
    """Net and VAT sum to the fee."""

    fee_minor: int
    net_minor: int
    vat_minor: int


def charged(fee: Fee, price_minor: int) -> Charged:
    """For a cart of this price."""
    reached = [tier for tier in fee.tiers if price_minor >= tier.from_minor]
    if not reached:
        return Charged(0, 0, 0)
    tier = reached[-1]
    whole = tier.fixed_minor + share(price_minor, tier.basis_points)
    net = half_up(Fraction(whole * WHOLE, WHOLE + fee.vat_basis_points))
    return Charged(whole, net, whole - net)


def deposit_of(deposit: Deposit, total_minor: int) -> int:
    """What is paid online before: never more than the total."""
    if total_minor < deposit.from_minor:
        return 0
    return min(total_minor, deposit.fixed_minor + share(total_minor, deposit.basis_points))
