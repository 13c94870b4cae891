"""How much and how often a customer may be charged by one click."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.oneclick.errors import ChargeLimitExceeded, DailyLimitExceeded, VelocityExceeded

DAY: Final = timedelta(hours=24)  # rolling
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """A merchant's limits. Amounts in minor units of the charge's currency."""

    max_charge_minor: int = 50_000
    max_daily_minor: int = 150_000
    max_hourly_charges: int = 10
    grace_seconds: int = 900


DEFAULT: Final = Policy()


@dataclass(frozen=True, slots=True)
class Spending:
    """What counts already: the sum in the charge's currency of 24 hours, charges of the hour."""

    daily_minor: int
    hourly_charges: int


def check_charge(policy: Policy, amount_minor: int) -> None:
    """ChargeLimitExceeded when a single charge may not be that much."""
    if amount_minor > policy.max_charge_minor:
        raise ChargeLimitExceeded


def check_spending(policy: Policy, before: Spending, amount_minor: int) -> None:
    """Whether `amount_minor` may come on top. DailyLimitExceeded, VelocityExceeded."""
    if before.daily_minor + amount_minor > policy.max_daily_minor:
        raise DailyLimitExceeded
    if before.hourly_charges + 1 > policy.max_hourly_charges:
        raise VelocityExceeded
