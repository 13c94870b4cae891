"""Lets a partner pay a plan: intent, commit, call payments, record. The customer accepts at the
partner.
"""

from dataclasses import dataclass

from libs.db import Conn
from libs.idempotency import Key
from services.instalments.deps import Deps
from services.instalments.flows import charging
from services.instalments.flows import plans as plans_flow
from services.instalments.flows.charging import Means
from services.instalments.rules import partners, plans
from services.instalments.rules.plans import Collection, Shown


@dataclass(frozen=True, slots=True)
class PayByPartner:
    """`email`: if the customer has none. `return_url`: None for the plan's."""

    plan_id: str
    email: str | None = None
    return_url: str | None = None


async def pay_by_partner(deps: Deps, cmd: PayByPartner, key: Key) -> Shown:
    """Pays the full price at once. Returns and raises as charging.charge; raises what the rules do."""
    before = await plans_flow.found(deps, cmd.plan_id)
    partners.check_of_partner(before)

    async def start(tx: Conn, locked: Shown, means: Means, collection_id: str) -> Collection:
        plan, price = locked.plan, locked.parts[0]
        plans.check_signable(plan, price, deps.clock.now())
        intent = charging.intent_of(
            deps,
            plan,
            price,
            means,
            collection_id=collection_id,
            by_customer=True,
            return_url=cmd.return_url,
        )
        return await charging.begin(tx, [price], intent)

    return await charging.charge(deps, before, key, None, start, email=cmd.email)
