"""Withdrawal from a plan, in two steps: the amounts, and the notice, with a receipt.

If more costs were paid than is owed, the excess is refunded through the payments that paid it: the
intents are written with the notice, and requested like refunds of the plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs import context, ids, outbox, telemetry
from libs.db import Conn
from libs.errors import Refusal, ServiceUnavailable
from libs.logs import log
from libs.money import Money
from services.instalments import balance_events, events, message_events
from services.instalments.deps import Deps
from services.instalments.flows import documents, part_links, repaying
from services.instalments.flows import plans as plans_flow
from services.instalments.rules import withdrawing as rules
from services.instalments.rules.plans import DocumentKind, Plan, Shown
from services.instalments.rules.repaying import PlanRefund, Repayment
from services.instalments.rules.withdrawal import Withdrawal, Withdrawn
from services.instalments.store import plans as store
from services.instalments.store.refunds import REFUNDS


@dataclass(frozen=True, slots=True)
class WithdrawPlan:
    """`name` as given by the customer; `sent_to`: where the receipt goes."""

    plan_id: str
    name: str
    sent_to: str
    confirm: bool


async def withdraw(deps: Deps, cmd: WithdrawPlan) -> tuple[Shown, Withdrawal]:
    """What is owed; the plan is unchanged unless the notice is confirmed. Confirming again changes
    nothing.

    Raises PlanNotFound, PlanNotActive, PlanBusy, WithdrawalTooLate.
    """
    if not cmd.confirm:
        seen, due, _ = await _withdraw(deps, cmd)
        return seen, due
    try:
        await _release(deps, cmd.plan_id)
        after, due, intents = await _withdraw(deps, cmd)
    except Refusal:
        await part_links.reissue(deps, cmd.plan_id)
        raise
    await _receipt(deps, cmd.plan_id)
    await repaying.give_back(deps, intents)
    return (await plans_flow.get_plan(deps, cmd.plan_id) if intents else after), due


async def _release(deps: Deps, plan_id: str) -> None:
    """Closes the parts' links, so that none is paid any more; a notice is accepted even if paylink
    is down.
    """
    try:
        await part_links.release(deps, plan_id)
    except ServiceUnavailable as refusal:
        log.warning("links of a withdrawn plan are not closed yet", reason=refusal.reason)


async def _withdraw(deps: Deps, cmd: WithdrawPlan) -> tuple[Shown, Withdrawal, Sequence[Repayment]]:
    async with deps.db.transaction() as tx:
        before = await plans_flow.locked(tx, cmd.plan_id)
        plan, parts = before.plan, before.parts
        if plan.withdrawal is not None:
            return before, plan.withdrawal.due, ()
        now = deps.clock.now()
        due = rules.owed(plan, parts, now)
        if not cmd.confirm:
            return before, due, ()
        notice = Withdrawn(name=cmd.name, sent_to=cmd.sent_to, noticed_at=now, due=due)
        after = Shown(*rules.withdrawn(plan, parts, notice))
        known = len(parts)
        await store.save_parts(tx, after.parts[:known])
        await store.add_parts(tx, after.parts[known:])
        await store.save(tx, after.plan)
        await part_links.follow(tx, [after], now)
        withdrawn_event = outbox.event_of(after.plan, events.plan_withdrawn(after), now)
        booked = balance_events.for_change(before, after, now)
        await outbox.append(tx, withdrawn_event, *booked, message_events.withdrawn(after, now))
        intents = await _intents(tx, after, due, now) if due.give_back_minor else ()
    return after, due, intents


async def _intents(tx: Conn, after: Shown, due: Withdrawal, now: datetime) -> Sequence[Repayment]:
    """Intents for the amounts that the parts have to refund, under a refund of 0 of the price."""
    await REFUNDS.add(tx, _refund(after.plan, due, now))
    return await repaying.again(tx, after, now)


def _refund(plan: Plan, due: Withdrawal, now: datetime) -> PlanRefund:
    return PlanRefund(
        merchant_id=plan.merchant_id,
        id=ids.new("prf"),
        plan_id=plan.id,
        amount=Money(0, plan.amount.currency),
        give_back_minor=due.give_back_minor,
        reason=None,
        items=(),
        actor=context.current().actor,
        trace_id=telemetry.trace_id(),
        created_at=now,
    )


async def _receipt(deps: Deps, plan_id: str) -> None:
    """Creates the receipt at once. The notice is valid without it; if this fails, the next request
    creates it.
    """
    try:
        await documents.get_document(deps, plan_id, DocumentKind.RECEIPT)
    except Refusal as refusal:
        log.warning("no receipt of a withdrawal yet", reason=refusal.reason)
