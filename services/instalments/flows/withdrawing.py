"""Withdrawal from a plan, in two steps: what it comes to, and the notice, with a receipt."""

from dataclasses import dataclass

from libs import outbox
from libs.errors import Refusal
from libs.logs import log
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.flows import documents
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
        await outbox.tell(tx, outbox.event_of(after.plan, events.plan_withdrawn(after), now))
    await _receipt(deps, cmd.plan_id)
    return after, due


async def _receipt(deps: Deps, plan_id: str) -> None:
    """Made at once. The notice holds without it, and whoever asks for it makes it."""
    try:
        await documents.get_document(deps, plan_id, DocumentKind.RECEIPT)
    except Refusal as refusal:
        log.warning("no receipt of a withdrawal yet", reason=refusal.reason)
