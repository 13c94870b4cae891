"""What the customer of an active plan does: pay a part before it is due or after it was missed, and
have another card charged from now on.
"""

from dataclasses import dataclass

from libs import context
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from services.instalments.deps import Deps
from services.instalments.errors import PlanNotActive, PlanNotFound
from services.instalments.flows import charging, collecting
from services.instalments.flows import plans as plans_flow
from services.instalments.rules import collecting as rules
from services.instalments.rules.plans import Collection, Plan, Shown
from services.instalments.store import plans as store
from services.instalments.store.plans import PLANS


@dataclass(frozen=True, slots=True)
class PayInstalment:
    """`instrument_id`: None for the plan's own card."""

    plan_id: str
    number: int
    instrument_id: str | None


async def pay_instalment(deps: Deps, cmd: PayInstalment, key: Key) -> Shown:
    """One part now: of one that is not due, the costs of the time not used come off.

    Answers and raises as charging.charge, and what the rules of paying raise.
    """
    before = await _found(deps, cmd.plan_id)
    wanted = required(cmd.instrument_id or before.instrument_id, PlanNotActive)
    card = await charging.card_of(deps, before, wanted)

    async def start(tx: Conn, collection_id: str) -> Collection:
        plan = required(await PLANS.lock(tx, before.merchant_id, before.id), PlanNotFound)
        parts = await store.parts(tx, plan.merchant_id, plan.id)
        part = rules.check_payable(plan, parts, cmd.number)
        intent = charging.intent_of(
            deps,
            plan,
            part,
            card,
            collection_id=collection_id,
            by_customer=True,
            rebate_minor=rules.rebate(plan, parts, part.number, deps.clock.now()),
        )
        return await charging.begin(tx, [part], intent)

    return await charging.charge(deps, cmd.plan_id, key, start)


@dataclass(frozen=True, slots=True)
class ReplaceInstrument:
    plan_id: str
    instrument_id: str


async def replace_instrument(deps: Deps, cmd: ReplaceInstrument) -> Shown:
    """A part that is being charged ends with the card before; if that says no, the new one is next."""
    card = await charging.card_of(deps, await _found(deps, cmd.plan_id), cmd.instrument_id)
    async with deps.db.transaction() as tx:
        plan = required(await PLANS.lock(tx, context.merchant_id(), cmd.plan_id), PlanNotFound)
        before = Shown(plan, await store.parts(tx, plan.merchant_id, plan.id))
        now = deps.clock.now()
        after = Shown(*rules.replaced(plan, before.parts, card.instrument_id, now))
        await collecting.changed(tx, [(before, after)], now)
    return await plans_flow.get_plan(deps, cmd.plan_id)


async def _found(deps: Deps, plan_id: str) -> Plan:
    return required(await deps.db.run(PLANS.get, context.merchant_id(), plan_id), PlanNotFound)
