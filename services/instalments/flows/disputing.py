"""A dispute of a plan's payment, as payments reports it, in the inbox's transaction: in any order
and any number of times.
"""

from dataclasses import replace

from libs import outbox
from libs.db import Conn
from libs.payments.answer import Answer
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.flows import collecting, repaying
from services.instalments.rules import disputes as rules
from services.instalments.rules.disputes import Dispute, DisputeState
from services.instalments.rules.plans import Shown
from services.instalments.store import disputes as store
from services.instalments.store import refunds
from services.instalments.store.disputes import DISPUTES


async def follow_dispute(
    deps: Deps, conn: Conn, payment: Answer, order_reference: str, reported: Dispute
) -> None:
    """`reported` names no plan yet: its payment identifies the plan."""
    before = await repaying.paid_by(deps, conn, payment, order_reference)
    if before is None:
        return
    plan = before.plan
    known = await DISPUTES.get(conn, plan.merchant_id, reported.id)
    under_way = await refunds.under_way(conn, plan.merchant_id, payment_id=payment.id)
    numbers, of_plan = repaying.numbers_of(before, payment.id), replace(reported, plan_id=plan.id)
    changed = rules.disputed(before.parts, numbers, known, of_plan, under_way)
    if changed is not None:
        after, now = Shown(plan, changed[0]), deps.clock.now()
        await store.save(conn, changed[1])
        await collecting.changed(conn, [(before, after)], now)
        messages = events.parts_disputed(after, changed[1])
        await outbox.append(conn, *(outbox.event_of(plan, event, now) for event in messages))
        if changed[1].state is DisputeState.WON:  # a worker retries what it blocked
            await repaying.again(conn, after, now, payment_id=payment.id)
