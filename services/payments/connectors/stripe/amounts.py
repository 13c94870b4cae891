"""Stripe's minor units where they differ from ISO 4217. Pure.

Stripe keeps ISK and UGX with two decimals for old integrations, and has no decimals for MGA
(docs.stripe.com/currencies, "Special cases" and "Zero-decimal currencies").
"""

from collections.abc import Mapping
from typing import Final

# How many more decimals Stripe uses than ISO 4217 does.
MORE_DECIMALS: Final[Mapping[str, int]] = {"ISK": 2, "UGX": 2, "MGA": -2}


def to_stripe(amount_minor: int, currency: str) -> int:
    """Raises ValueError if Stripe cannot express the amount."""
    more = MORE_DECIMALS.get(currency.upper(), 0)
    if more >= 0:
        return amount_minor * _power(more)
    whole, rest = divmod(amount_minor, _power(-more))
    if rest:
        raise ValueError(f"Stripe takes {currency} in whole units only")
    return whole


def from_stripe(amount: int, currency: str) -> int:
    """Minor units of ISO 4217. Raises ValueError for a fraction of one."""
    more = MORE_DECIMALS.get(currency.upper(), 0)
    if more < 0:
        return amount * _power(-more)
    whole, rest = divmod(amount, _power(more))
    if rest:
        raise ValueError(f"Stripe sent fractions of a {currency}")
    return whole


def _power(decimals: int) -> int:
    power: int = 10**decimals
    return power
