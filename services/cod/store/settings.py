"""The merchants' settings, and who has read the warning about fees."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import rows
from libs.merchant_row import MerchantRow
from services.cod.rules.fees import Fee
from services.cod.rules.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeAcknowledgement:
    """A permanent row: who has read the warning before which fee, and whose API key reported it."""

    merchant_id: str
    id: str
    acknowledged_by: str
    version: str
    fee: Fee
    actor: str
    trace_id: str
    acknowledged_at: datetime


FEE_ACKNOWLEDGEMENTS: Final = rows.Table("fee_acknowledgements", FeeAcknowledgement)
SETTINGS: Final = MerchantRow("settings", Settings)
