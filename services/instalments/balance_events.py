"""Events for the ledger: a plan's books before and after each change."""

from collections.abc import Sequence
from datetime import datetime

from incasso.instalments.v1 import events_pb2, plans_pb2
from libs import outbox, wire
from libs.outbox import NewEvent
from services.instalments.rules.books import books_of
from services.instalments.rules.plans import Shown


def for_change(before: Shown, after: Shown, now: datetime) -> Sequence[NewEvent]:
    """One event, or none if the books are unchanged."""
    plan = after.plan
    was, is_now = books_of(before.plan, before.parts), books_of(plan, after.parts)
    if was == is_now:
        return ()
    event = events_pb2.PlanBalanceChanged(
        plan_id=plan.id,
        order_reference=plan.order_reference,
        currency=plan.amount.currency,
        before=wire.message(plans_pb2.PlanBooks, was),
        after=wire.message(plans_pb2.PlanBooks, is_now),
    )
    return [outbox.event_of(plan, event, now)]
