"""Plans whose credit a partner gives, by a PSP's method: it pays the merchant at once, and its contract
with the customer is none of ours. Pure.
"""

from dataclasses import replace
from datetime import datetime

from services.instalments.errors import PlanNotOfPartner, PlanOfPartner
from services.instalments.rules.plans import Plan, moved
from services.instalments.rules.states import PlanEvent


def check_own(plan: Plan) -> None:
    """Whether its documents, its signature and its risk are ours. Raises PlanOfPartner."""
    if plan.by_partner:
        raise PlanOfPartner


def check_of_partner(plan: Plan) -> None:
    """Raises PlanNotOfPartner."""
    if not plan.by_partner:
        raise PlanNotOfPartner


def financed(plan: Plan, now: datetime) -> Plan:
    """The partner has paid all of it."""
    state = moved(plan, PlanEvent.FINANCE)
    return replace(plan, state=state, activated_at=now, ended_at=now, due_at=None)
