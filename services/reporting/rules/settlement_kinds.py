"""Maps a PSP's transaction types to seven kinds. Unknown ones are `other`. Pure."""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class SettlementKind(Enum):
    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    FEE = "fee"
    PAYOUT = "payout"
    ADJUSTMENT = "adjustment"
    OTHER = "other"


_CHARGE, _REFUND, _DISPUTE = SettlementKind.CHARGE, SettlementKind.REFUND, SettlementKind.DISPUTE
_FEE, _PAYOUT, _ADJUSTMENT = SettlementKind.FEE, SettlementKind.PAYOUT, SettlementKind.ADJUSTMENT

# Stripe's reporting categories, and the types that the dashboard's export uses instead.
_STRIPE: Final[Mapping[str, SettlementKind]] = {
    "charge": _CHARGE,
    "payment": _CHARGE,
    "charge_failure": _CHARGE,
    "payment_failure_refund": _CHARGE,
    "refund": _REFUND,
    "payment_refund": _REFUND,
    "payment_reversal": _REFUND,
    "partial_capture_reversal": _REFUND,
    "refund_failure": _REFUND,
    "dispute": _DISPUTE,
    "dispute_reversal": _DISPUTE,
    "fee": _FEE,
    "stripe_fee": _FEE,
    "network_cost": _FEE,
    "tax": _FEE,
    "payout": _PAYOUT,
    "payout_cancel": _PAYOUT,
    "payout_failure": _PAYOUT,
    "payout_reversal": _PAYOUT,
    "payout_minimum_balance_hold": _ADJUSTMENT,
    "payout_minimum_balance_release": _ADJUSTMENT,
    "adjustment": _ADJUSTMENT,
    "other_adjustment": _ADJUSTMENT,
    "risk_reserved_funds": _ADJUSTMENT,
}
# PayPal's event codes by their first three characters, and the codes whose kind differs from their
# group's.
_PAYPAL_GROUPS: Final[Mapping[str, SettlementKind]] = {
    "T00": _CHARGE,
    "T01": _FEE,
    "T04": _PAYOUT,
    "T11": _REFUND,
    "T12": _ADJUSTMENT,
}
_PAYPAL: Final[Mapping[str, SettlementKind]] = {
    "T0001": _PAYOUT,  # mass payments
    "T1106": _DISPUTE,  # reversed by PayPal
    "T1110": _ADJUSTMENT,  # hold for an investigation
    "T1111": _ADJUSTMENT,  # its release
    "T1201": _DISPUTE,  # chargeback
    "T1202": _DISPUTE,  # its reversal
    "T1207": _DISPUTE,
    "T1208": _DISPUTE,
}
_GROUP: Final = 3  # characters


def kind_of(file_format: str, provider_kind: str) -> SettlementKind:
    """`provider_kind`: as in the report."""
    if file_format.startswith("paypal."):
        code = provider_kind.upper()
        found = _PAYPAL.get(code) or _PAYPAL_GROUPS.get(code[:_GROUP])
    else:
        found = _STRIPE.get(provider_kind.casefold().replace(" ", "_"))
    return found or SettlementKind.OTHER
