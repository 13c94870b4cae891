"""How couriers write amounts and days in their files. Pure."""

from decimal import Decimal
from enum import Enum

from libs.money import Money, exponent


class AmountStyle(Enum):
    """Of 25.50 EUR."""

    COMMA = "comma"  # "25,50"
    POINT = "point"  # "25.50"
    MINOR = "minor"  # "2550"


class DayOrder(Enum):
    """Of 31 January 2027."""

    DMY = "dmy"  # "31/01/2027"
    MDY = "mdy"  # "01/31/2027"
    YMD = "ymd"  # "2027-01-31"


def written(amount: Money, style: AmountStyle) -> str:
    """As a manifest has it: with all places of the currency, without marks of thousands."""
    if style is AmountStyle.MINOR:
        return str(amount.amount_minor)
    major = str(Decimal(amount.amount_minor).scaleb(-exponent(amount.currency)))
    return major.replace(".", ",") if style is AmountStyle.COMMA else major
