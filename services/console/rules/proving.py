"""What needs a proof of the member's identity, and how long a proof lasts. Pure."""

from datetime import datetime, timedelta
from typing import Final

from libs.money import Money, exponent

PROOF_ABOVE: Final = 100  # major units of a refund, of any currency
PROOF_LASTS: Final = timedelta(minutes=10)
# Using one of these at an unlocked screen would give lasting control over the merchant's money.
GRAVE: Final = frozenset({"api_keys:write", "bank_account:write", "members:write", "routing:write"})


def needs_proof(amount: Money) -> bool:
    limit: int = PROOF_ABOVE * 10 ** exponent(amount.currency)
    return amount.amount_minor > limit


def proof_is_fresh(proved_at: datetime, now: datetime) -> bool:
    return now - proved_at < PROOF_LASTS
