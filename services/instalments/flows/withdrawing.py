"""Withdrawal from a plan, in two steps: what it comes to, and the notice, with a receipt."""

from dataclasses import dataclass

from libs import outbox
from libs.errors import Refusal, ServiceUnavailable
from libs.logs import log
from services.instalments import events, message_events
from services.instalments.deps import Deps
from services.instalments.flows import documents, part_links
from services.instalments.flows import plans as plans_flow
from services.instalments.rules import withdrawing as rules
from services.instalments.rules.plans import DocumentKind, Shown
from services.instalments.rules.withdrawal import Withdrawal, Withdrawn
from services.instalments.store import plans as store


@dataclass(frozen=True, slots=True)
class WithdrawPlan:
    """`name` as the customer gives it; `sent_to`: where the receipt goes."""

    plan_id: str
    name: str
    sent_to: str
    confirm: bool


async def withdraw(deps: Deps, cmd: WithdrawPlan) -> tuple[Shown, Withdrawal]:
    """What is owed; the plan as it was unless the notice is confirmed. Confirming again changes nothing.

    Raises PlanNotFound, PlanNotActive, PlanBusy, WithdrawalTooLate.
    """
    if not cmd.confirm:
        return await _withdraw(deps, cmd)
    try:
        await _release(deps, cmd.plan_id)
        after, due = await _withdraw(deps, cmd)
    except Refusal:
        await part_links.renew(deps, cmd.plan_id)
        raise
    await _receipt(deps, cmd.plan_id)
    return after, due


async def _release(deps: Deps, plan_id: str) -> None:
    """Nobody pays a part by its link from here on; a notice is received also while paylink is away."""
    try:
        await part_links.release(deps, plan_id)
    except ServiceUnavailable as refusal:
        log.warning("links of a plan are closed after its withdrawal", reason=refusal.reason)


async def _withdraw(deps: Deps, cmd: WithdrawPlan) -> tuple[Shown, Withdrawal]:
    async with deps.db.transaction() as tx:
        before = await plans_flow.locked(tx, cmd.plan_id)
        plan, parts = before.plan, before.parts
        if plan.withdrawal is not None:
            return before, plan.withdrawal.due
        now = deps.clock.now()
        due = rules.owed(plan, parts, now)
        if not cmd.confirm:
            return before, due
        notice = Withdrawn(name=cmd.name, sent_to=cmd.sent_to, noticed_at=now, due=due)
        after = Shown(*rules.withdrawn(plan, parts, notice))
        known = len(parts)
        await store.save_parts(tx, after.parts[:known])
        await store.add_parts(tx, after.parts[known:])
        await store.save(tx, after.plan)
        await part_links.follow(tx, [after], now)
        told = outbox.event_of(after.plan, events.plan_withdrawn(after), now)
        await outbox.tell(tx, told, message_events.withdrawn(after, now))
    return after, due


async def _receipt(deps: Deps, plan_id: str) -> None:
    """Made at once. The notice holds without it, and whoever asks for it makes it."""
    try:
        await documents.get_document(deps, plan_id, DocumentKind.RECEIPT)
    except Refusal as refusal:
        log.warning("no receipt of a withdrawal yet", reason=refusal.reason)
