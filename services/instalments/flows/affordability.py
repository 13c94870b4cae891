"""Affordability: checked when a plan is created and when it is signed.

No plan is refused automatically: one with concerns waits for a person (reviewing).
"""

from libs import context, ids, telemetry
from libs.db import Conn
from libs.errors import InternalError, required
from services.instalments import scorer_client
from services.instalments.deps import Deps
from services.instalments.rules import affordability as rules
from services.instalments.rules import reviews
from services.instalments.rules.affordability import Applicant, Concern
from services.instalments.rules.plans import Plan
from services.instalments.rules.quotes import Quote
from services.instalments.rules.reviews import OURSELVES, Step
from services.instalments.rules.settings import DEFAULT
from services.instalments.store import reviews as store
from services.instalments.store.reviews import STEPS
from services.instalments.store.settings import SETTINGS


async def opinion(deps: Deps, of: Quote | Plan, customer_id: str) -> tuple[Concern, ...]:
    """The scorer's opinion, asked while no transaction is open."""
    schedule = of.priced.schedule
    applicant = Applicant(
        merchant_id=of.merchant_id,
        customer_id=customer_id,
        order_reference=of.order_reference,
        lent=rules.lent(schedule),
        parts=len(schedule.parts),
    )
    return await scorer_client.opinion(deps.scorer, applicant)


async def concerns(
    deps: Deps, tx: Conn, plan: Plan, scored: tuple[Concern, ...]
) -> tuple[Concern, ...]:
    """Concerns about a plan that this transaction is about to create or sign; empty once a person
    has approved it. Takes the customer's lock, so that of two concurrent plans the second sees the
    first.
    """
    if reviews.is_approved(plan):
        return ()
    await store.lock_customer(tx, plan)
    settings = await SETTINGS.get(tx, plan.merchant_id, DEFAULT)
    history = await store.history(tx, plan, deps.clock.now())
    found = rules.concerns_of(rules.lent(plan.priced.schedule), history, settings.exposure_limit)
    return (*found, *scored)


async def opened(deps: Deps, tx: Conn, before: Plan, after: Plan) -> None:
    """The first row of a review."""
    found = required(after.review, InternalError).concerns
    reason = ", ".join(concern.value for concern in found)
    await recorded(deps, tx, before, after, reason=reason, decided_by=OURSELVES)


async def recorded(
    deps: Deps,
    tx: Conn,
    before: Plan,
    after: Plan,
    *,
    reason: str,
    decided_by: str,
    number: int | None = None,
) -> None:
    step = Step(
        merchant_id=before.merchant_id,
        id=ids.new("rev"),
        plan_id=before.id,
        before=before.state,
        after=after.state,
        reason=reason,
        decided_by=decided_by,
        actor=context.current().actor,
        trace_id=telemetry.trace_id(),
        decided_at=deps.clock.now(),
        number=number,
    )
    await STEPS.add(tx, step)
