"""Notifications for the customer of a plan, sent by notify, which has the words and addresses.

A message with the price of a part contains the texts that the law requires beside it, as shown when
the plan was signed: nothing for a deferral, warning and representative example for credit.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import events_pb2
from libs import outbox, wire
from libs.money import Money
from libs.outbox import NewEvent
from libs.payments.answer import Advice
from services.instalments.rules.plans import OPEN, Instalment, Plan, Shown
from services.instalments.rules.states import InstalmentState, PlanState

_Requested: Final = events_pb2.PlanMessageRequested
_CHARGED_AGAIN: Final = (Advice.LATER, Advice.OTHER_PSP)


def for_change(before: Shown, after: Shown, now: datetime) -> Sequence[NewEvent]:
    """The plan was signed, or paid in full: once each, since each happens once."""
    plan, was = after.plan, before.plan
    if plan.state is PlanState.ACTIVE and was.activated_at is None:
        return [_event(plan, _Requested.REASON_SIGNED, plan.amount, now, paragraphs=_legal(plan))]
    ended = plan.state is PlanState.COMPLETED and was.state is not PlanState.COMPLETED
    if ended and _is_all_paid(before, after):
        paid = [part.amount_minor for part in after.parts if part.state is InstalmentState.PAID]
        total = Money(sum(paid), plan.amount.currency)
        return [_event(plan, _Requested.REASON_COMPLETED, total, now)]
    return ()


def _is_all_paid(before: Shown, after: Shown) -> bool:
    """It ended by a payment, not by a refund, and nothing was written off."""
    now_is = [part.state for part in after.parts]
    was = [part.state for part in before.parts]
    paid = InstalmentState.PAID
    return InstalmentState.WRITTEN_OFF not in now_is and now_is.count(paid) > was.count(paid)


def missed(plan: Plan, part: Instalment, payment_link_id: str, now: datetime) -> NewEvent:
    """The part was missed; the message has the link to pay it."""
    again = part.advice in _CHARGED_AGAIN
    return _event(
        plan,
        _Requested.REASON_MISSED if again else _Requested.REASON_CARD_NEEDED,
        Money(part.amount_minor, plan.amount.currency),
        now,
        due_on=part.due_on,
        paragraphs=_legal(plan),
        payment_link_id=payment_link_id,
    )


def due(plan: Plan, part: Instalment, now: datetime) -> NewEvent:
    """Its card will be charged soon."""
    amount = Money(part.amount_minor, plan.amount.currency)
    paragraphs = _legal(plan)
    return _event(
        plan, _Requested.REASON_DUE, amount, now, due_on=part.due_on, paragraphs=paragraphs
    )


def rescheduled(plan: Plan, part: Instalment, now: datetime) -> NewEvent:
    """The part that is due next, and those after it, are due later than agreed."""
    return _event(
        plan,
        _Requested.REASON_RESCHEDULED,
        Money(part.amount_minor, plan.amount.currency),
        now,
        due_on=part.due_on,
        paragraphs=_legal(plan),
    )


def may_withdraw(plan: Plan, paragraphs: Sequence[str], last: date, now: datetime) -> NewEvent:
    """The customer may withdraw until the end of the day `last`."""
    nothing = Money(0, plan.amount.currency)
    return _event(
        plan, _Requested.REASON_MAY_WITHDRAW, nothing, now, due_on=last, paragraphs=paragraphs
    )


def withdrawn(after: Shown, now: datetime) -> NewEvent:
    """The receipt goes where the customer wants it."""
    plan, notice = after.plan, after.plan.withdrawal
    assert notice is not None  # the customer has withdrawn
    owed = [part for part in after.parts if part.state in OPEN]
    return _event(
        plan,
        _Requested.REASON_WITHDRAWN,
        Money(notice.due.owed_minor, plan.amount.currency),
        now,
        due_on=owed[0].due_on if owed else None,
        recipient=notice.sent_to,
    )


def _legal(plan: Plan) -> Sequence[str]:
    offer = offer_pb2.InstalmentOffer.FromString(plan.offer)
    return [text for text in (offer.warning, offer.representative_example) if text]


def _event(
    plan: Plan,
    reason: events_pb2.PlanMessageRequested.Reason.ValueType,
    amount: Money,
    now: datetime,
    *,
    due_on: date | None = None,
    paragraphs: Sequence[str] = (),
    payment_link_id: str | None = None,
    recipient: str | None = None,
) -> NewEvent:
    offer = offer_pb2.InstalmentOffer.FromString(plan.offer)
    message = _Requested(
        reason=reason,
        plan_id=plan.id,
        customer_id=plan.customer_id,
        order_reference=plan.order_reference,
        locale=plan.locale,
        amount=wire.money(amount),
        due_on=due_on.isoformat() if due_on else None,
        label=offer.label,
        paragraphs=paragraphs,
        warning=offer.warning if offer.warning in paragraphs else None,
        payment_link_id=payment_link_id,
        recipient=recipient,
    )
    return outbox.event_of(plan, message, now)
