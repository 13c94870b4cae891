"""Reminds customers of parts that are due or missed, and of their right to withdraw: each once."""

from collections.abc import Sequence
from datetime import datetime

from libs import ids, outbox
from libs.db import Conn
from libs.due import DueRow
from libs.outbox import NewEvent
from services.instalments import message_events
from services.instalments.deps import Deps
from services.instalments.errors import CreditorDetailsMissing
from services.instalments.flows import documents
from services.instalments.rules import reminding as rules
from services.instalments.rules.plans import Shown
from services.instalments.rules.reminding import Reminder, ReminderKind
from services.instalments.store import links, plans
from services.instalments.store import reminders as store
from services.instalments.store.plans import PLANS
from services.instalments.store.reminders import REMINDERS


async def follow(tx: Conn, pairs: Sequence[tuple[Shown, Shown]], now: datetime) -> None:
    """The reminders that follow from changes of plans locked in this transaction."""
    await store.insert(
        tx,
        [
            Reminder(
                merchant_id=after.plan.merchant_id,
                id=ids.new("irm"),
                plan_id=after.plan.id,
                number=each.number,
                kind=each.kind,
                due_at=each.due_at,
            )
            for before, after in pairs
            for each in rules.wanted(before, after, now)
        ],
    )


async def remind(deps: Deps, due: DueRow) -> None:
    """Publishes and deletes a reminder in one transaction. An obsolete one is deleted silently."""
    found = await deps.db.run(REMINDERS.get, due.merchant_id, due.id)
    if found is None:
        return
    sentences = await _sentences(deps, found)
    async with deps.db.transaction() as tx:
        plan = await PLANS.lock(tx, found.merchant_id, found.plan_id)
        if plan is None or not await store.take(tx, found):
            return
        shown = Shown(plan, await plans.parts(tx, plan.merchant_id, plan.id))
        await outbox.append(tx, *await _messages(tx, shown, found, sentences, deps.clock.now()))


async def _sentences(deps: Deps, reminder: Reminder) -> Sequence[str]:
    """Sentences on the right to withdraw; none while the creditor's details are missing."""
    if reminder.kind is not ReminderKind.MAY_WITHDRAW:
        return ()
    plan = await deps.db.run(PLANS.get, reminder.merchant_id, reminder.plan_id)
    try:
        return () if plan is None else await documents.get_reminder(deps, plan)
    except CreditorDetailsMissing:
        return ()


async def _messages(
    tx: Conn, shown: Shown, reminder: Reminder, sentences: Sequence[str], now: datetime
) -> Sequence[NewEvent]:
    plan = shown.plan
    if reminder.kind is ReminderKind.MAY_WITHDRAW:
        informed_at = await store.informed_at(tx, plan)
        last = rules.may_withdraw(plan, informed_at, now) if sentences else None
        return [] if last is None else [message_events.may_withdraw(plan, sentences, last, now)]
    part = rules.part_of(shown, reminder)
    if part is None:
        return ()
    if reminder.kind is ReminderKind.DUE:
        return [message_events.due(plan, part, now)]
    found = await links.open_of(tx, plan.merchant_id, [plan.id])
    link_ids = [link.payment_link_id for link in found if link.number == part.number]
    return [message_events.missed(plan, part, link_id, now) for link_id in link_ids if link_id]
