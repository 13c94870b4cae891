"""The merchants' limits."""

from typing import Final

from libs.merchant_row import MerchantRow
from services.oneclick.rules.spending import Policy

LIMITS: Final = {
    "max_charge": "max_charge_minor max_charge_currency",
    "max_daily": "max_daily_minor max_daily_currency",
}
POLICIES: Final = MerchantRow("policies", Policy, LIMITS)
