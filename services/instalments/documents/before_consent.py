"""The documents before consent to a plan: the information for its class, and the agreement."""

from libs.documents.sheet import Sheet
from services.instalments.documents.agreement import agreement
from services.instalments.documents.information import information
from services.instalments.documents.model import Plan
from services.instalments.documents.secci import secci
from services.instalments.rules.regimes import PlanClass


def before_consent(plan: Plan) -> tuple[Sheet, Sheet]:
    of_its_class = secci if plan.plan_class is PlanClass.CREDIT else information
    return of_its_class(plan), agreement(plan)
