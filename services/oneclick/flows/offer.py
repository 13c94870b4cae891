"""Whether one click can be offered for a cart."""

from libs import context
from libs.money import Money
from services.oneclick.deps import Deps
from services.oneclick.rules import offers
from services.oneclick.rules.domain import CustomerState
from services.oneclick.rules.offers import Offer
from services.oneclick.store import buyers


async def get_offer(deps: Deps, customer_id: str, amount: Money) -> Offer:
    """An unknown or erased customer is a reason, not an error."""
    async with deps.db.connection() as conn:
        buyer = await buyers.get(conn, context.merchant_id(), customer_id)
    if buyer is None or buyer.customer_state is CustomerState.ERASED:
        return offers.refused(offers.UNKNOWN, None)
    return offers.of_buyer(buyer, amount, deps.clock.now())
