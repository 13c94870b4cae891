"""The merchants' settings."""

from typing import Final

from libs.merchant_row import MerchantRow
from services.instalments.rules.settings import Settings

SETTINGS: Final = MerchantRow(
    "settings", Settings, {"exposure_limit": "exposure_limit_minor exposure_limit_currency"}
)
