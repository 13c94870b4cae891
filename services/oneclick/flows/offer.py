"""Whether one click can be offered for a cart."""

from libs import context
from libs.money import Money
from services.oneclick.deps import Deps
from services.oneclick.rules import offers
from services.oneclick.rules.domain import CustomerState
from services.oneclick.rules.offers import Offer
from services.oneclick.store import buyers, customers


async def get_offer(deps: Deps, customer_id: str, amount: Money) -> Offer:
    """An unknown or erased customer is a reason, not an error."""
    merchant_id = context.merchant_id()
    async with deps.db.connection() as conn:
        customer = await customers.get(conn, merchant_id, customer_id)
        buyer = await buyers.get(conn, merchant_id, customer_id)
    if customer is None or buyer is None or customer.state is CustomerState.ERASED:
        return offers.refused(offers.UNKNOWN, None)
    return offers.of_card(
        buyer.card,
        buyer.instrument_state,
        instrument_id=buyer.instrument_id,
        consent_id=buyer.consent_id,
        policy=buyer.policy,
        amount=amount,
        locale=customer.locale,
        now=deps.clock.now(),
    )
