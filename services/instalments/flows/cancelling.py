"""Cancels a plan before its first part is paid, with the payment that waits for its shopper, if any:
intent, commit, call payments, record.
"""

from libs.db import Conn
from services.instalments.deps import Deps
from services.instalments.errors import PlanNotCancellable
from services.instalments.flows import collecting
from services.instalments.flows import plans as plans_flow
from services.instalments.rules import cancelling
from services.instalments.rules import plans as rules
from services.instalments.rules.plans import Collection, Shown
from services.instalments.rules.states import PlanState
from services.instalments.store import collections


async def cancel_plan(deps: Deps, plan_id: str) -> Shown:
    """Cancelling again changes nothing. Raises PlanNotCancellable, also if it was paid meanwhile,
    and ServiceUnavailable if the outcome is unknown: the worker then continues.
    """
    async with deps.db.transaction() as tx:
        before = await plans_flow.locked(tx, plan_id)
        latest = await collections.latest(tx, before.plan.merchant_id, plan_id)
        intent = cancelling.intent(before.plan, latest)
        if intent is None:
            return await _cancelled(deps, tx, before)
        await collections.save(tx, intent)
    return await _given_up(deps, intent)


async def _cancelled(deps: Deps, tx: Conn, before: Shown) -> Shown:
    now = deps.clock.now()
    after = Shown(rules.cancelled(before.plan, before.parts[0], now), before.parts)
    await collecting.changed(tx, [(before, after)], now)
    return after


async def _given_up(deps: Deps, intent: Collection) -> Shown:
    """Cancels the payment, which ends the plan."""
    await collecting.give_up(deps, intent)
    shown = await plans_flow.get_plan(deps, intent.plan_id)
    if shown.plan.state is not PlanState.CANCELLED:
        raise PlanNotCancellable
    return shown
