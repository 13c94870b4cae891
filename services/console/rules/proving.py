"""What needs a proof that it is really the member who asks, and how long a proof lasts. Pure."""

from datetime import datetime, timedelta
from typing import Final

from libs.money import Money, exponent

PROOF_ABOVE: Final = 100  # major units of a refund, of any currency
PROOF_LASTS: Final = timedelta(minutes=10)
# Whoever uses one of these at a screen left open has power over the merchant's money for good.
GRAVE: Final = frozenset({"api_keys:write", "bank_account:write", "members:write", "routing:write"})


def needs_proof(amount: Money) -> bool:
    limit: int = PROOF_ABOVE * 10 ** exponent(amount.currency)
    return amount.amount_minor > limit


def proof_is_fresh(proved_at: datetime, now: datetime) -> bool:
    return now - proved_at < PROOF_LASTS
