"""Early settlement: the amount that ends a plan today, and its single payment."""

from dataclasses import dataclass

from libs import context
from libs.db import Conn
from libs.errors import Refusal, required
from libs.idempotency import Key
from services.instalments.deps import Deps
from services.instalments.errors import PlanNotFound
from services.instalments.flows import charging, part_links
from services.instalments.flows import plans as plans_flow
from services.instalments.flows.charging import Means
from services.instalments.rules import choices
from services.instalments.rules import settling as rules
from services.instalments.rules.plans import Collection, Shown
from services.instalments.rules.settling import Figure
from services.instalments.store import plans as store
from services.instalments.store.plans import PLANS


async def get_settlement(deps: Deps, plan_id: str) -> Figure:
    async with deps.db.snapshot() as conn:
        plan = required(await PLANS.get(conn, context.merchant_id(), plan_id), PlanNotFound)
        parts = await store.parts(conn, plan.merchant_id, plan.id)
    return rules.figure(plan, parts, deps.clock.now())


@dataclass(frozen=True, slots=True)
class SettlePlan:
    """Like PayInstalment, for all parts."""

    plan_id: str
    instrument_id: str | None
    shown_minor: int | None = None
    return_url: str | None = None


async def settle_plan(deps: Deps, cmd: SettlePlan, key: Key) -> Shown:
    """Pays everything that is left in one payment, begun under the plan's lock: not while a part is
    being charged, and from then on only this payment charges parts.

    Returns and raises as charging.charge, and what the rules of settling raise.
    """
    before = await plans_flow.found(deps, cmd.plan_id)

    async def start(tx: Conn, locked: Shown, means: Means, collection_id: str) -> Collection:
        plan, parts = locked.plan, locked.parts
        settled = rules.figure(plan, parts, deps.clock.now())
        rules.check_idle(parts)
        await part_links.check_released(tx, plan)
        left = [part for part in parts if part.number in settled.numbers]
        intent = charging.intent_of(
            deps,
            plan,
            left[0],
            means,
            collection_id=collection_id,
            by_customer=True,
            settles=settled,
            return_url=cmd.return_url,
        )
        return await charging.begin(tx, left, choices.check_shown(intent, cmd.shown_minor))

    async def free() -> None:
        """Closes the parts' links, so that none is paid besides the payment that ends all parts."""
        await get_settlement(deps, before.id)
        await part_links.release(deps, before.id)

    try:
        return await charging.charge(deps, before, key, cmd.instrument_id, start, first=free)
    except Refusal:
        await part_links.reissue(deps, before.id)
        raise
