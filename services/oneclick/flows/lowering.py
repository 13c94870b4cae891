"""Lower what a delayed capture takes: the intent was written, payments is asked, the answer recorded.

Whoever comes first ends it: the call that began it, its repeat, or the worker.
"""

from typing import Final

from libs import idempotency
from libs.errors import RemoteRefusal, ServiceUnavailable
from libs.idempotency import Key
from libs.payments.answer import Answer
from services.oneclick import events
from services.oneclick.deps import Deps
from services.oneclick.rules.domain import Charge
from services.oneclick.rules.items import Lowering
from services.oneclick.store import charges, items

METHOD: Final = "UndoOneClickPayment"  # whose keys lowerings have


async def perform(deps: Deps, charge: Charge, lowering: Lowering) -> Answer:
    """A certain no is recorded and passed on; without an answer the lowering stays to be ended."""
    key = Key(charge.merchant_id, METHOD, lowering.key, b"")
    try:
        payment = await _ask(deps, charge, lowering)
    except ServiceUnavailable:
        async with deps.db.connection() as conn:
            await idempotency.release(conn, key)
        raise
    except RemoteRefusal:
        async with deps.db.transaction() as tx:
            await items.end_lowering(tx, charge.merchant_id, charge.id, lowering, done=False)
            await idempotency.release(tx, key)
        raise
    async with deps.db.transaction() as tx:
        ended = await items.end_lowering(tx, charge.merchant_id, charge.id, lowering, done=True)
        await charges.record(tx, charge, payment, key=key)
        if ended and lowering.items:
            await events.items_removed(tx, charge, lowering, deps.clock.now())
    return payment


async def _ask(deps: Deps, charge: Charge, lowering: Lowering) -> Answer:
    """A repeat may be refused because the first call was heard and the capture has happened."""
    payment_id = charge.payment_id or ""
    try:
        return await deps.payments.lower_payment(payment_id, lowering.amount, key=charge.id)
    except RemoteRefusal as refusal:
        payment = await deps.payments.get(payment_id)
        if payment.capturable_minor != lowering.amount.amount_minor:
            raise refusal from None
        return payment
