"""A plan that is reviewed by a person before it can be signed: sent there, and decided. Pure.

Customers have a right to human review of an automated refusal; here nothing is refused automatically.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.instalments.errors import ReviewClosed
from services.instalments.rules.affordability import Concern, Decision, Review
from services.instalments.rules.plans import Plan, moved
from services.instalments.rules.quotes import VALID_FOR
from services.instalments.rules.states import PlanEvent, PlanState

DECIDED_WITHIN: Final = timedelta(days=3)  # so that the dates of the schedule are still valid
OURSELVES: Final = "incasso"

_EVENTS: Final = {Decision.APPROVE: PlanEvent.APPROVE, Decision.REFUSE: PlanEvent.REFUSE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Who moved a plan between states, when and why, recorded permanently."""

    merchant_id: str
    id: str
    plan_id: str
    before: PlanState
    after: PlanState
    reason: str
    decided_by: str
    actor: str  # the key that was used
    trace_id: str
    decided_at: datetime
    number: int | None = None  # of a part


def sent_to_review(plan: Plan, concerns: tuple[Concern, ...], now: datetime) -> Plan:
    until = now + DECIDED_WITHIN
    return replace(
        plan,
        state=moved(plan, PlanEvent.REVIEW),
        review=Review(concerns=concerns, opened_at=now),
        expires_at=until,
        due_at=until,
    )


def is_approved(plan: Plan) -> bool:
    """A person has approved it."""
    return plan.review is not None and plan.review.decision is Decision.APPROVE


def decided(plan: Plan, decision: Decision, reason: str, decided_by: str, now: datetime) -> Plan:
    """Unchanged if the same person has already decided so. An approved plan can be signed for as
    long as a quote is valid. Raises ReviewClosed.
    """
    review = plan.review
    if review is not None and (review.decision, review.decided_by) == (decision, decided_by):
        return plan
    if review is None or plan.state is not PlanState.IN_REVIEW or plan.expires_at <= now:
        raise ReviewClosed
    approved = decision is Decision.APPROVE
    until = now + VALID_FOR
    return replace(
        plan,
        state=moved(plan, _EVENTS[decision]),
        review=replace(
            review, decision=decision, reason=reason, decided_by=decided_by, decided_at=now
        ),
        expires_at=until if approved else plan.expires_at,
        due_at=until if approved else None,
        ended_at=None if approved else now,
    )
