"""Signs a plan: acceptance and intent, commit, call payments for the first part, record."""

from dataclasses import dataclass

from libs.db import Conn
from libs.idempotency import Key
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.documents.wording import wording_of
from services.instalments.errors import PlanInReview
from services.instalments.flows import affordability, charging, reviewing
from services.instalments.flows import plans as plans_flow
from services.instalments.flows.charging import Means
from services.instalments.rules import document_delivery, partners, plans
from services.instalments.rules.affordability import Concern
from services.instalments.rules.plans import Acceptance, Collection, Shown
from services.instalments.store import plans as store


@dataclass(frozen=True, slots=True)
class SignPlan:
    plan_id: str
    instrument_id: str
    agreement_sha256: str
    ip: str | None
    return_url: str | None = None  # None: the plan's


async def sign_plan(deps: Deps, cmd: SignPlan, key: Key) -> Shown:
    """Returns and raises as charging.charge, and what the rules of signing raise."""
    before = await plans_flow.found(deps, cmd.plan_id)
    partners.check_own(before)
    scored: tuple[Concern, ...] = ()
    concerns: tuple[Concern, ...] = ()

    async def ask() -> None:
        nonlocal scored
        scored = await affordability.opinion(deps, before, before.customer_id)

    async def start(tx: Conn, locked: Shown, means: Means, collection_id: str) -> Collection:
        """Acceptance and intent."""
        nonlocal concerns
        now = deps.clock.now()
        plan, first = locked.plan, locked.parts[0]
        plans.check_signable(plan, first, now)
        delivered = await store.delivered_kinds(tx, plan)
        document_delivery.check_delivered(delivered, cmd.agreement_sha256)
        concerns = await affordability.concerns(deps, tx, plan, scored)
        if concerns:
            raise PlanInReview
        version = wording_of(plan.locale).version
        acceptance = Acceptance(version, cmd.agreement_sha256, now, cmd.ip)
        signed = plans.accepted(plan, acceptance, cmd.instrument_id)
        await store.save(tx, signed)
        if signed.state is not plan.state:
            await events.plan_accepted(tx, Shown(signed, locked.parts), now)
        intent = charging.intent_of(
            deps,
            signed,
            first,
            means,
            collection_id=collection_id,
            by_customer=True,
            return_url=cmd.return_url,
        )
        return await charging.begin(tx, [first], intent)

    try:
        return await charging.charge(deps, before, key, cmd.instrument_id, start, first=ask)
    except PlanInReview:
        if concerns:  # found just now: the signature is discarded
            await reviewing.refer(deps, cmd.plan_id, concerns)
        raise
