"""Plans financed by a partner, through a PSP's method: it pays the merchant at once, and its
contract with the customer does not concern us. Pure.
"""

from dataclasses import replace
from datetime import datetime

from services.instalments.errors import PlanNotOfPartner, PlanOfPartner
from services.instalments.rules.plans import Plan, moved
from services.instalments.rules.states import PlanEvent


def check_own(plan: Plan) -> None:
    """Raises PlanOfPartner unless documents, signature and risk are ours."""
    if plan.by_partner:
        raise PlanOfPartner


def check_of_partner(plan: Plan) -> None:
    """Raises PlanNotOfPartner."""
    if not plan.by_partner:
        raise PlanNotOfPartner


def financed(plan: Plan, now: datetime) -> Plan:
    """The partner has paid everything."""
    state = moved(plan, PlanEvent.FINANCE)
    return replace(plan, state=state, activated_at=now, ended_at=now, due_at=None)
