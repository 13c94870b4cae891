"""Erases what payments knows about a customer (GDPR article 17); amounts, states and references
stay.
"""

from typing import Final

from libs.erasing import rewrite_answers, rewrite_events
from services.payments import events
from services.payments.deps import Deps
from services.payments.store import erasing
from services.payments.store.erasing import Erasure

BATCH: Final = 100


async def erase_customer(deps: Deps, erasure: Erasure) -> None:
    """A few payments at a time, each with its events and answers. Erasing again changes nothing."""
    count = BATCH
    while count == BATCH:
        async with deps.db.transaction() as tx:
            erased = await erasing.erase_payments(tx, erasure, BATCH)
            payments = [each.payment_id for each in erased]
            await rewrite_events(tx, erasure.merchant_id, payments, events.event_left)
            await rewrite_answers(
                tx,
                erasure.merchant_id,
                [*payments, *(attempt for each in erased for attempt in each.attempt_ids)],
                erasing.ANSWERING_PAYMENTS,
                events.answer_left,
            )
        count = len(erased)
    async with deps.db.transaction() as tx:
        await erasing.end(tx, erasure)
