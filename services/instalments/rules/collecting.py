"""The outcome of charging a part: paid, missed, retried; and its effect on the plan. Pure.

A part is missed when its card was declined on its due date or later. The days to a late fee and to
default count from then, so that an outage on our side makes nobody late.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from libs.payments.answer import Advice, Outcome
from services.instalments.errors import (
    InstalmentClosed,
    InstalmentNotFound,
    NothingToPay,
    PlanBusy,
    PlanNotActive,
)
from services.instalments.rules import late_fees, partners, settlement
from services.instalments.rules.current_schedule import schedule_of
from services.instalments.rules.plans import (
    COLLECTED,
    OPEN,
    Collection,
    Covered,
    Instalment,
    Plan,
    activated,
    cancelled,
    charged_at,
    completed,
    day_of,
    hour_of,
    moved,
)
from services.instalments.rules.states import (
    COLLECTION_OPEN,
    COLLECTION_TRANSITIONS,
    INSTALMENT_TRANSITIONS,
    CollectionState,
    InstalmentEvent,
    InstalmentState,
    PlanEvent,
    PlanState,
)

ORDER_PAID: Final = "order_already_paid"  # payments' reason: the part already has a payment
_UNPAID = (InstalmentState.PLANNED, InstalmentState.MISSED)
_PAYABLE = (*_UNPAID, InstalmentState.WRITTEN_OFF)


def collecting(part: Instalment) -> Instalment:
    state = INSTALMENT_TRANSITIONS[part.state, InstalmentEvent.COLLECT]
    return replace(part, state=state, tries=part.tries + 1, due_at=None)


def state_after(collection: Collection, outcome: Outcome) -> CollectionState | None:
    """The state after an answer; None if the collection has already ended."""
    return COLLECTION_TRANSITIONS.get((collection.state, outcome))


def is_under_way(collection: Collection) -> bool:
    return collection.state in COLLECTION_OPEN


def check_payable(plan: Plan, parts: Sequence[Instalment], number: int) -> Instalment:
    """The part, if its customer can pay it now. Raises PlanNotActive, InstalmentNotFound, PlanBusy,
    InstalmentClosed.
    """
    if plan.activated_at is None:
        raise PlanNotActive
    if not 1 <= number <= len(parts):
        raise InstalmentNotFound
    part = parts[number - 1]
    if part.state is InstalmentState.COLLECTING:
        raise PlanBusy
    if part.state not in _PAYABLE:
        raise InstalmentClosed
    return part


def check_active(plan: Plan) -> None:
    if plan.state not in COLLECTED:
        raise PlanNotActive


def rebate(plan: Plan, parts: Sequence[Instalment], number: int, now: datetime) -> int:
    """The deduction for a part paid today, in minor units. Raises NothingToPay."""
    if number > len(plan.priced.schedule.parts):
        return 0  # the amount owed after a withdrawal
    paid = [part.number for part in parts if part.state is InstalmentState.PAID]
    today = day_of(now, plan.time_zone)
    settled = settlement.pay_early(schedule_of(plan, parts), number, paid=paid, on=today)
    off = settled.interest_rebate_minor + settled.fees_rebate_minor
    if off >= parts[number - 1].amount_minor:
        raise NothingToPay
    return off


def is_due(plan: Plan, part: Instalment, now: datetime) -> bool:
    """Whether its card has to be charged automatically now."""
    due = part.due_at is not None and part.due_at <= now
    return due and plan.state in COLLECTED and part.state in _UNPAID


def without_card(plan: Plan, part: Instalment, now: datetime) -> Instalment:
    """A due part whose card is gone: detached, erased or expired."""
    if part.state is InstalmentState.MISSED:
        return replace(part, advice=Advice.ASK_SHOPPER, due_at=None)
    return _missed(plan, part, Advice.ASK_SHOPPER, now)


def followed(
    plan: Plan, parts: Sequence[Instalment], ended: Collection, outcome: Outcome, now: datetime
) -> tuple[Plan, Sequence[Instalment]]:
    """Plan and parts after the end of a collection. A part that was paid by its link meanwhile
    stays paid.
    """
    after = list(parts)
    for share in still_owed(parts, ended):
        part = parts[share.number - 1]
        if outcome is Outcome.SUCCEED:
            after[share.number - 1] = paid(
                part, payment_id=ended.payment_id, rebate_minor=share.rebate_minor, now=now
            )
        else:
            after[share.number - 1] = _not_paid(plan, part, ended, outcome, now)
    if after == parts:
        return plan, parts
    if outcome is not Outcome.SUCCEED:
        if ended.giving_up:
            return cancelled(plan, after[0], now), after
        return watched(plan, after), after
    if plan.by_partner:
        return partners.financed(plan, now), after
    if plan.activated_at is None:
        plan, dated = activated(plan, after, now)
        after = list(dated)
    return watched(completed(plan, after, now), after), after


def still_owed(parts: Sequence[Instalment], ended: Collection) -> Sequence[Covered]:
    """The parts of a collection that nothing else has paid."""
    return [share for share in ended.pays if parts[share.number - 1].state in OPEN]


def replaced(
    plan: Plan, parts: Sequence[Instalment], instrument_id: str, now: datetime
) -> tuple[Plan, Sequence[Instalment]]:
    """The plan with another card, to which missed parts are charged at once."""
    check_active(plan)
    due = [
        replace(part, due_at=now) if part.state is InstalmentState.MISSED else part
        for part in parts
    ]
    return replace(plan, instrument_id=instrument_id), due


def overdue(
    plan: Plan, parts: Sequence[Instalment], now: datetime
) -> tuple[Plan, Sequence[Instalment]]:
    """Applies late fees and default that are due by now. Unchanged while there is nothing to do."""
    today, terms = day_of(now, plan.time_zone), plan.terms
    after: list[Instalment] = list(parts)
    for index, part in enumerate(parts):
        if _may_cost_a_fee(plan, after, part):
            charged = sum(each.late_fee_minor for each in after)
            fee = late_fees.late_fee(
                terms, due_on=_missed_on(plan, part), on=today, charged_minor=charged
            )
            after[index] = replace(part, late_fee_minor=fee)
    missed = [_missed_on(plan, part) for part in parts if part.state is InstalmentState.MISSED]
    ends = any(late_fees.default_on(terms, day) <= today for day in missed)
    if plan.state is PlanState.ACTIVE and ends:
        plan = replace(plan, state=moved(plan, PlanEvent.DEFAULT))
    return watched(plan, after), after


def watched(plan: Plan, parts: Sequence[Instalment]) -> Plan:
    """Sets the time at which a late fee or default is due, for a plan being paid."""
    if plan.state not in COLLECTED:
        return plan
    days = [day for part in parts for day in _days_of(plan, parts, part)]
    return replace(plan, due_at=hour_of(min(days), plan.time_zone) if days else None)


def _days_of(plan: Plan, parts: Sequence[Instalment], part: Instalment) -> Sequence[date]:
    if part.state is not InstalmentState.MISSED:
        return ()
    days, missed_on = [], _missed_on(plan, part)
    if _may_cost_a_fee(plan, parts, part):
        days.append(missed_on + timedelta(days=plan.terms.grace_days + 1))
    if plan.state is PlanState.ACTIVE:
        days.append(late_fees.default_on(plan.terms, missed_on))
    return days


def _may_cost_a_fee(plan: Plan, parts: Sequence[Instalment], part: Instalment) -> bool:
    """Once for each missed part, as far as the plan's cap allows."""
    if plan.state is PlanState.WITHDRAWN:  # only capital and interest are owed
        return False
    terms, charged = plan.terms, sum(each.late_fee_minor for each in parts)
    left = min(terms.late_fee_minor, terms.late_fees_most_minor - charged)
    return part.state is InstalmentState.MISSED and not part.late_fee_minor and left > 0


def paid(
    part: Instalment, *, payment_id: str | None, rebate_minor: int, now: datetime
) -> Instalment:
    state = INSTALMENT_TRANSITIONS[part.state, InstalmentEvent.PAY]
    return replace(
        part,
        state=state,
        payment_id=payment_id,
        rebate_minor=rebate_minor,
        paid_at=now,
        due_at=None,
        advice=None,
    )


def _not_paid(
    plan: Plan, part: Instalment, asked: Collection, outcome: Outcome, now: datetime
) -> Instalment:
    """Only a decline of the merchant's charge makes a part missed. A failed attempt of its
    customer, a refusal by payments, or a request that was never made leave it as it was.
    """
    if part.written_off_at is not None:
        state = INSTALMENT_TRANSITIONS[part.state, InstalmentEvent.WRITE_OFF]
        return replace(part, state=state)
    if outcome is not Outcome.DECLINE or asked.by_customer:
        again = part.missed_at is not None
        event = InstalmentEvent.MISS if again else InstalmentEvent.PLAN
        back = replace(part, state=INSTALMENT_TRANSITIONS[part.state, event])
        return replace(back, due_at=_again_at(plan, back, asked, outcome, now))
    advice = asked.decline.advice if asked.decline else None
    missed = _missed(plan, part, advice or Advice.ASK_SHOPPER, now)
    if asked.instrument_id != plan.instrument_id:  # the card was replaced meanwhile
        return replace(missed, due_at=now)
    return missed


def _again_at(
    plan: Plan, part: Instalment, asked: Collection, outcome: Outcome, now: datetime
) -> datetime | None:
    """When to charge (again) a part that is unchanged."""
    if plan.state not in COLLECTED:
        return None
    if asked.by_customer:
        if part.state is InstalmentState.MISSED:
            return _retry_at(plan, part, now)
        return charged_at(part, plan.time_zone)
    if outcome is Outcome.REFUSE and asked.refusal is None:  # not requested in time
        return now
    if (
        part.state is InstalmentState.MISSED
        and asked.refusal
        and asked.refusal.reason == ORDER_PAID
    ):
        return _retry_at(plan, part, now)  # its link is being paid: an event will report it
    tomorrow = day_of(now, plan.time_zone) + timedelta(days=1)  # the merchant has to fix it
    return hour_of(tomorrow, plan.time_zone)


def _missed(plan: Plan, part: Instalment, advice: Advice, now: datetime) -> Instalment:
    state = INSTALMENT_TRANSITIONS[part.state, InstalmentEvent.MISS]
    missed = replace(part, state=state, missed_at=part.missed_at or now, advice=advice)
    return replace(missed, due_at=_retry_at(plan, missed, now))


def _retry_at(plan: Plan, part: Instalment, now: datetime) -> datetime | None:
    """The next day of the dunning on which the same card may work. None: it will not, or all have
    passed.
    """
    if part.advice not in {Advice.LATER, Advice.OTHER_PSP}:
        return None
    first = _missed_on(plan, part)
    days = (first + timedelta(days=days) for days in plan.terms.dunning.retry_after)
    moments = (hour_of(day, plan.time_zone) for day in days)
    return next((moment for moment in moments if moment > now), None)


def _missed_on(plan: Plan, part: Instalment) -> date:
    assert part.missed_at is not None  # the part is missed
    return day_of(part.missed_at, plan.time_zone)
