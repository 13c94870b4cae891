"""The fee that shoppers pay for cash on delivery, and the deposit that they pay online. Pure.

The fee includes its VAT, so that the amount collected is the amount promised, to the cent.
"""

from dataclasses import dataclass
from fractions import Fraction

from libs.rounding import WHOLE, half_up, share


@dataclass(frozen=True, slots=True)
class Tier:
    """The fee from a price on: a fixed part and a percentage of the price."""

    from_minor: int = 0
    fixed_minor: int = 0
    basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Fee:
    """Tiers in ascending order; the last one that the price reaches applies. None: no fee."""

    tiers: tuple[Tier, ...] = ()
    vat_basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Deposit:
    """The deposit from `from_minor` on: a fixed part and a percentage of the total."""

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
    """The fee for a cart of this price."""
    reached = [tier for tier in fee.tiers if price_minor >= tier.from_minor]
    if not reached:
        return Charged(0, 0, 0)
    tier = reached[-1]
    whole = tier.fixed_minor + share(price_minor, tier.basis_points)
    net = half_up(Fraction(whole * WHOLE, WHOLE + fee.vat_basis_points))
    return Charged(whole, net, whole - net)


def deposit_of(deposit: Deposit, total_minor: int) -> int:
    """The amount paid online beforehand: never more than the total."""
    if total_minor < deposit.from_minor:
        return 0
    return min(total_minor, deposit.fixed_minor + share(total_minor, deposit.basis_points))
