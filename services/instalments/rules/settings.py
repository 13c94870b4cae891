"""A merchant's settings for instalments. Pure."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from libs import time_zones
from libs.errors import invalid
from libs.money import Money
from services.instalments.rules import regimes


class SellerSize(Enum):
    SMALL = "small"  # a micro, small or medium-sized enterprise
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Settings:
    """`lender_registration`: the registration of a merchant who may give credit."""

    jurisdiction: str
    seller_size: SellerSize
    lender_registration: str | None
    exposure_limit: Money  # per customer, all plans together
    time_zone: str
    creditor_address: str | None = None  # for documents, as are the following fields
    creditor_email: str | None = None
    creditor_phone: str | None = None
    supervisor: str | None = None
    redress: str | None = None


DEFAULT: Final = Settings(
    jurisdiction="IT",
    seller_size=SellerSize.SMALL,
    lender_registration=None,
    exposure_limit=Money(1_500_00, "EUR"),
    time_zone="Europe/Rome",
)


def checked(settings: Settings) -> Settings:
    """Raises InvalidArgument."""
    if settings.jurisdiction not in regimes.JURISDICTIONS:
        known = ", ".join(sorted(regimes.JURISDICTIONS))
        raise invalid("jurisdiction", f"must be a country whose rules are known: {known}")
    time_zones.check(settings.time_zone)
    return settings
