"""Plans in review: sent there on signing, listed, decided."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs import outbox
from libs.pages import Page
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.errors import PlanInReview
from services.instalments.flows import affordability
from services.instalments.flows import plans as plans_flow
from services.instalments.flows.plans import Filter
from services.instalments.rules import plans, reviews
from services.instalments.rules.affordability import Concern, Decision
from services.instalments.rules.plans import Shown
from services.instalments.rules.states import PlanState
from services.instalments.store import plans as store


async def refer(deps: Deps, plan_id: str, found: tuple[Concern, ...]) -> None:
    """Sends a plan that was about to be signed to review. Raises what signing does, and
    PlanInReview.
    """
    async with deps.db.transaction() as tx:
        before = await plans_flow.locked(tx, plan_id)
        plan, parts = before.plan, before.parts
        now = deps.clock.now()
        plans.check_signable(plan, parts[0], now)
        after = reviews.sent_to_review(plan, found, now)
        await affordability.opened(deps, tx, plan, after)
        await store.save(tx, after)
        await outbox.append(tx, *events.for_change(before, Shown(after, parts), now))
    raise PlanInReview


async def list_reviews(
    deps: Deps, merchant_id: str, page: Page
) -> tuple[Sequence[Shown], str | None]:
    """Plans in review, newest first, and the cursor of the next page."""
    return await plans_flow.list_plans(
        deps, merchant_id, Filter(PlanState.IN_REVIEW, None, None), page
    )


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    plan_id: str
    decision: Decision
    reason: str
    decided_by: str


async def review_plan(deps: Deps, cmd: ReviewPlan) -> Shown:
    """Repeating the decision changes nothing. Raises PlanNotFound, ReviewClosed."""
    async with deps.db.transaction() as tx:
        before = await plans_flow.locked(tx, cmd.plan_id)
        plan, parts = before.plan, before.parts
        now = deps.clock.now()
        after = reviews.decided(plan, cmd.decision, cmd.reason, cmd.decided_by, now)
        if after != plan:
            await affordability.recorded(
                deps, tx, plan, after, reason=cmd.reason, decided_by=cmd.decided_by
            )
            await store.save(tx, after)
            await outbox.append(tx, *events.for_change(before, Shown(after, parts), now))
    return await plans_flow.get_plan(deps, cmd.plan_id)
