"""How much and how often a customer can be charged by one click.

Limits are amounts of money. Charges in another currency are converted at dated reference rates, so
that a change of currency neither multiplies a limit nor makes everyday amounts fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs import rates
from libs.errors import Refusal
from libs.money import Money
from libs.rates import NoRateError
from services.oneclick.errors import ChargeLimitExceeded, DailyLimitExceeded, VelocityExceeded

DAY: Final = timedelta(hours=24)  # rolling
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """A merchant's limits, in the merchant's choice of currencies."""

    max_charge: Money
    max_daily: Money
    max_hourly_charges: int
    grace_seconds: int


DEFAULT: Final = Policy(
    max_charge=Money(500_00, "EUR"),
    max_daily=Money(1_500_00, "EUR"),
    max_hourly_charges=10,
    grace_seconds=900,
)


@dataclass(frozen=True, slots=True)
class Spending:
    """The earlier charges: sums over 24 hours by currency, and their number within the hour."""

    daily: Sequence[Money]
    hourly_charges: int


def check_charge(policy: Policy, amount: Money) -> None:
    """Raises ChargeLimitExceeded if a single charge is too large."""
    _check([amount], policy.max_charge, ChargeLimitExceeded, "A single one-click charge")


def check_spending(policy: Policy, before: Spending, amount: Money) -> None:
    """Checks that `amount` can be added. Raises DailyLimitExceeded, VelocityExceeded."""
    together = [*before.daily, amount]
    _check(together, policy.max_daily, DailyLimitExceeded, "A customer's total in 24 hours")
    if before.hourly_charges + 1 > policy.max_hourly_charges:
        raise VelocityExceeded


def fits(policy: Policy, amount: Money) -> bool:
    """Whether `check_charge` would let it pass."""
    try:
        check_charge(policy, amount)
    except ChargeLimitExceeded:
        return False
    return True


def _check(amounts: Sequence[Money], most: Money, no: type[Refusal], what: str) -> None:
    """The refusal names the limit and the compared amount."""
    try:
        found = [rates.about(amount, most.currency) for amount in amounts]
    except NoRateError as error:
        raise no(
            f"{what} is limited to {most}, with which {error.currency} cannot be compared:"
            f" it has no reference rate. Set the limit in {error.currency}."
        ) from None
    together_minor = sum(money.amount_minor for money in found)
    if together_minor <= most.amount_minor:
        return
    exact = all(amount.currency == most.currency for amount in amounts)
    together = Money(together_minor, most.currency)
    about = "" if exact else f"about (reference rates of {rates.AS_OF:%Y-%m-%d}) "
    raise no(f"{what} is limited to {most}; this one would make it {about}{together}.")
