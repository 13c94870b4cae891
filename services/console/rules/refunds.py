"""When a refund needs a proof that it is really the member who asks. Pure."""

from datetime import datetime, timedelta
from typing import Final

from libs.money import Money, exponent

PROOF_ABOVE: Final = 100  # major units, of any currency
PROOF_LASTS: Final = timedelta(minutes=10)


def needs_proof(amount: Money) -> bool:
    limit: int = PROOF_ABOVE * 10 ** exponent(amount.currency)
    return amount.amount_minor > limit


def proof_is_fresh(proved_at: datetime, now: datetime) -> bool:
    return now - proved_at < PROOF_LASTS
