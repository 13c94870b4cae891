"""Events for the ledger: a plan's books before and after each change."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from incasso.instalments.v1 import events_pb2, plans_pb2
from libs import outbox, wire
from libs.outbox import NewEvent
from services.instalments.rules.books import books_of, dues_of
from services.instalments.rules.plans import Shown


def for_change(before: Shown, after: Shown, now: datetime) -> Sequence[NewEvent]:
    """One event, or none if books and due dates are unchanged."""
    plan = after.plan
    was, is_now = books_of(before.plan, before.parts), books_of(plan, after.parts)
    due, is_due = dues_of(before.plan, before.parts), dues_of(plan, after.parts)
    if (was, due) == (is_now, is_due):
        return ()
    event = events_pb2.PlanBalanceChanged(
        plan_id=plan.id,
        order_reference=plan.order_reference,
        currency=plan.amount.currency,
        before=wire.message(plans_pb2.PlanBooks, was),
        after=wire.message(plans_pb2.PlanBooks, is_now),
        dues_before=_dues(due),
        dues_after=_dues(is_due),
    )
    return [outbox.event_of(plan, event, now)]


def _dues(dues: Mapping[date, int]) -> Sequence[plans_pb2.PlanDue]:
    return [
        plans_pb2.PlanDue(due_on=day.isoformat(), principal_minor=minor)
        for day, minor in sorted(dues.items())
    ]
