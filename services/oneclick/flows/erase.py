"""Erases a customer's personal data (GDPR article 17); the record of the money stays."""

from libs import context
from services.oneclick import events
from services.oneclick.deps import Deps
from services.oneclick.flows.customers import locked
from services.oneclick.flows.instruments import detach
from services.oneclick.rules import domain
from services.oneclick.rules.domain import Customer, CustomerState
from services.oneclick.rules.instruments import InstrumentState
from services.oneclick.store import customers as store
from services.oneclick.store import instruments, sessions


async def erase_customer(deps: Deps, customer_id: str) -> Customer:
    """The worker deletes the tokens at the PSPs, so that neither a crash nor an outage loses the request.

    An instrument that is being set up is detached when its answer is recorded.
    """
    merchant_id, now = context.merchant_id(), deps.clock.now()
    async with deps.db.transaction() as tx:
        customer = await locked(tx, customer_id)
        if customer.state is CustomerState.ERASED:
            return customer
        for instrument in await instruments.of_customer(tx, merchant_id, customer_id):
            if instrument.state is not InstrumentState.SETTING_UP:
                await detach(tx, instrument, now)
        erased = domain.erase(customer)
        await store.save(tx, erased)
        await store.mark_erased(tx, merchant_id, customer_id, now)
        await sessions.close_all(tx, merchant_id, customer_id, now)
        await store.replace_copies(
            tx,
            merchant_id,
            customer_id,
            answer=events.customer_pb(erased).SerializeToString(),
            events=events.without_personal_data(erased),
        )
        await events.customer_erased(tx, erased, now)
    return erased
