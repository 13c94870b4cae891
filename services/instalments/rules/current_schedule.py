"""The schedule of a plan: its parts on creation, and the current ones, as reduced by refunds.
Pure.
"""

from collections.abc import Sequence
from dataclasses import replace

from libs.money import Money
from services.instalments.rules.plans import Instalment, Plan
from services.instalments.rules.schedule import Part, Schedule
from services.instalments.rules.states import INSTALMENT_INITIAL


def first_parts(plan: Plan) -> Sequence[Instalment]:
    """Its parts on creation."""
    return [
        Instalment(
            merchant_id=plan.merchant_id,
            plan_id=plan.id,
            number=part.number,
            state=INSTALMENT_INITIAL,
            due_on=part.due_on,
            principal_minor=part.principal_minor,
            interest_minor=part.interest_minor,
            fee_minor=part.fee_minor,
        )
        for part in plan.schedule.parts
    ]


def remaining_price(plan: Plan) -> int:
    """The price after refunds, in minor units."""
    return plan.amount.amount_minor - plan.price_refunded_minor


def schedule_of(plan: Plan, parts: Sequence[Instalment]) -> Schedule:
    """The schedule of the remaining price, without the last part of a withdrawal, which was in
    no quote.
    """
    quoted = plan.schedule
    if not plan.price_refunded_minor:
        return quoted
    now = [_as_it_is(part) for part in parts[: len(quoted.parts)]]
    upfront = quoted.upfront_fee_minor * remaining_price(plan) // plan.amount.amount_minor
    return replace(
        quoted,
        amount=Money(remaining_price(plan), plan.amount.currency),
        upfront_fee_minor=min(upfront, now[0].fee_minor),
        parts=tuple(now),
    )


def all_parts(plan: Plan, parts: Sequence[Instalment]) -> Schedule:
    """The same, including the last part of a withdrawal."""
    more = parts[len(plan.schedule.parts) :]
    schedule = schedule_of(plan, parts)
    return replace(schedule, parts=(*schedule.parts, *(_as_it_is(part) for part in more)))


def _as_it_is(part: Instalment) -> Part:
    return Part(
        number=part.number,
        due_on=part.due_on,
        principal_minor=part.principal_minor,
        interest_minor=part.interest_minor,
        fee_minor=part.fee_minor,
    )
