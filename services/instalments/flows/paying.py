"""What the customer of an active plan does: pay a part early or late, and change the card."""

from dataclasses import dataclass

from libs.db import Conn
from libs.idempotency import Key
from services.instalments.deps import Deps
from services.instalments.flows import charging, collecting
from services.instalments.flows import plans as plans_flow
from services.instalments.flows.charging import Means
from services.instalments.rules import choices
from services.instalments.rules import collecting as rules
from services.instalments.rules.plans import Collection, Shown


@dataclass(frozen=True, slots=True)
class PayInstalment:
    """`instrument_id`: None for the plan's own card. `shown_minor`: the amount shown to the
    customer, if known. `return_url`: after a challenge; None for the plan's.
    """

    plan_id: str
    number: int
    instrument_id: str | None
    shown_minor: int | None = None
    return_url: str | None = None


async def pay_instalment(deps: Deps, cmd: PayInstalment, key: Key) -> Shown:
    """Pays one part now: if it is not due yet, the costs of the unused time are deducted.

    Returns and raises as charging.charge, and what the rules of paying raise.
    """
    before = await plans_flow.found(deps, cmd.plan_id)

    async def start(tx: Conn, locked: Shown, means: Means, collection_id: str) -> Collection:
        plan, parts = locked.plan, locked.parts
        part = rules.check_payable(plan, parts, cmd.number)
        intent = charging.intent_of(
            deps,
            plan,
            part,
            means,
            collection_id=collection_id,
            by_customer=True,
            rebate_minor=rules.rebate(plan, parts, part.number, deps.clock.now()),
            return_url=cmd.return_url,
        )
        return await charging.begin(tx, [part], choices.check_shown(intent, cmd.shown_minor))

    return await charging.charge(deps, before, key, cmd.instrument_id, start)


@dataclass(frozen=True, slots=True)
class ReplaceInstrument:
    plan_id: str
    instrument_id: str


async def replace_instrument(deps: Deps, cmd: ReplaceInstrument) -> Shown:
    """A part being charged finishes with the old card; if that is declined, the new one is next."""
    found = await plans_flow.found(deps, cmd.plan_id)
    card = await charging.card_of(deps, found, cmd.instrument_id)
    async with deps.db.transaction() as tx:
        before = await plans_flow.locked(tx, cmd.plan_id)
        now = deps.clock.now()
        after = Shown(*rules.replaced(before.plan, before.parts, card.instrument_id, now))
        await collecting.changed(tx, [(before, after)], now)
    return await plans_flow.get_plan(deps, cmd.plan_id)
