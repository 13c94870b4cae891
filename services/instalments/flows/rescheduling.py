"""A merchant gives a plan's customer more time; who decided it and why is recorded."""

from dataclasses import dataclass, replace
from datetime import date

from libs import outbox
from services.instalments import message_events
from services.instalments.deps import Deps
from services.instalments.flows import affordability, collecting
from services.instalments.flows import plans as plans_flow
from services.instalments.rules import rescheduling as rules
from services.instalments.rules.plans import Shown
from services.instalments.rules.settings import DEFAULT, SellerSize
from services.instalments.store import reminders
from services.instalments.store.settings import SETTINGS


@dataclass(frozen=True, slots=True)
class Reschedule:
    plan_id: str
    number: int
    due_on: date
    reason: str
    decided_by: str


async def reschedule(deps: Deps, cmd: Reschedule) -> Shown:
    """Moves dates and reminders, notifies and records who decided, in one transaction. Repeating it
    changes nothing. Raises PlanNotFound, and what the rules of rescheduling raise.
    """
    async with deps.db.transaction() as tx:
        before = await plans_flow.locked(tx, cmd.plan_id)
        plan, now = before.plan, deps.clock.now()
        settings = await SETTINGS.get(tx, plan.merchant_id, DEFAULT)
        parts = rules.rescheduled(
            plan,
            before.parts,
            cmd.number,
            cmd.due_on,
            large_seller=settings.seller_size is SellerSize.LARGE,
            now=now,
        )
        if parts is not before.parts:
            after = replace(before, parts=parts)
            await affordability.recorded(
                deps,
                tx,
                plan,
                plan,
                reason=cmd.reason,
                decided_by=cmd.decided_by,
                number=cmd.number,
            )
            await reminders.drop_due(tx, plan)
            await collecting.changed(tx, [(before, after)], now)
            message = message_events.rescheduled(plan, parts[cmd.number - 1], now)
            await outbox.append(tx, message)
    return await plans_flow.get_plan(deps, cmd.plan_id)
