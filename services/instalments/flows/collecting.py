"""Calls payments for an instalment, and records the answer.

The collection's id is the key of the call to payments, so repeating any step is the same payment.
The answer is recorded here, whether the caller, an event or the worker delivers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from libs import context, outbox
from libs.db import Conn
from libs.errors import (
    InternalError,
    RemoteRefusal,
    ServiceUnavailable,
    StoredRefusal,
    required,
)
from libs.logs import log
from libs.payments import asking, due
from libs.payments.answer import Answer, Intent, Outcome
from libs.payments.due import DueRow
from services.instalments import balance_events, events, message_events
from services.instalments.deps import Deps
from services.instalments.flows import part_links, reminding
from services.instalments.rules import cancelling
from services.instalments.rules import collecting as rules
from services.instalments.rules.plans import Collection, Shown
from services.instalments.rules.states import CollectionState
from services.instalments.store import collections
from services.instalments.store import plans as store
from services.instalments.store.collections import COLLECTIONS
from services.instalments.store.plans import PLANS


@dataclass(frozen=True, slots=True)
class AskedCollection:
    """A payment of one part. If it is refused, the part is still to be paid."""

    deps: Deps
    collection: Collection

    @property
    def intent(self) -> Intent:
        asked = self.collection
        return Intent(asked.id, asked.request, asked.payment_id)

    async def answered(self, answer: Answer) -> Collection:
        async with self.deps.db.transaction() as tx:
            return await record(tx, self.collection, answer, self.deps.clock.now())

    async def refused(self, refusal: StoredRefusal | None) -> None:
        async with self.deps.db.transaction() as tx:
            await end(tx, self.collection, refusal, self.deps.clock.now())

    async def unanswered(self) -> None:
        asked = self.collection
        await self.deps.db.run(due.ask_again_now, "collections", asked.merchant_id, asked.id)


async def record(tx: Conn, asked: Collection, answer: Answer, now: datetime) -> Collection:
    """Answers may come in any order, any number of times: they only change one in progress."""
    before, current = await _locked(tx, asked)
    understood = replace(answer, outcome=cancelling.outcome(current, answer))
    after = answered(current, understood)
    if after != current:
        await collections.save(tx, after)
        await _follow(tx, before, after, understood.outcome, now)
    return after


async def end(tx: Conn, asked: Collection, refusal: StoredRefusal | None, now: datetime) -> None:
    """Payments made no payment, and will not make one."""
    before, current = await _locked(tx, asked)
    state = rules.state_after(current, Outcome.REFUSE)
    if state is not None:
        after = replace(current, state=state, request=None, refusal=refusal)
        await collections.save(tx, after)
        await _follow(tx, before, after, Outcome.REFUSE, now)


def answered(current: Collection, answer: Answer) -> Collection:
    """The collection after an answer; unchanged if it has already ended."""
    state = rules.state_after(current, answer.outcome)
    if state is None:
        if answer.outcome is Outcome.SUCCEED and current.state is not CollectionState.SUCCEEDED:
            asking.count_after_end(answer.id)
        return current
    return replace(
        current,
        state=state,
        request=None,
        payment_id=answer.id,
        next_action_url=answer.next_action_url,
        decline=answer.decline,
    )


async def _locked(tx: Conn, asked: Collection) -> tuple[Shown, Collection]:
    plan = required(await PLANS.lock(tx, asked.merchant_id, asked.plan_id), InternalError)
    parts = await store.parts(tx, plan.merchant_id, plan.id)
    current = required(await COLLECTIONS.get(tx, asked.merchant_id, asked.id), InternalError)
    return Shown(plan, parts), current


async def _follow(
    tx: Conn, before: Shown, collection: Collection, outcome: Outcome, now: datetime
) -> None:
    """The effect of a collection's end on its part and its plan."""
    if outcome is not Outcome.WAIT:
        await changed(tx, [(before, followed(before, collection, outcome, now))], now)


def followed(before: Shown, ended: Collection, outcome: Outcome, now: datetime) -> Shown:
    """Plan and parts after the end of a collection. Money for a part that is no longer owed,
    because its link was paid or it was cancelled, is reported to the operator.
    """
    owed = rules.still_owed(before.parts, ended)
    if outcome is Outcome.SUCCEED and len(owed) < len(ended.pays):
        asking.count_after_end(ended.payment_id or "")
    return Shown(*rules.followed(before.plan, before.parts, ended, outcome, now))


async def changed(tx: Conn, pairs: Sequence[tuple[Shown, Shown]], now: datetime) -> None:
    """Plans before and after, locked in this transaction: written and published."""
    parts = [
        new
        for before, after in pairs
        for old, new in zip(before.parts, after.parts, strict=True)
        if new != old
    ]
    plans = [after.plan for before, after in pairs if after.plan != before.plan]
    await store.save_parts(tx, parts)
    await store.save_all(tx, plans)
    await part_links.follow(tx, [after for _, after in pairs], now)
    await reminding.follow(tx, pairs, now)
    await outbox.append(
        tx,
        *(event for before, after in pairs for event in events.for_change(before, after, now)),
        *(
            event
            for before, after in pairs
            for event in balance_events.for_change(before, after, now)
        ),
        *(
            event
            for before, after in pairs
            for event in message_events.for_change(before, after, now)
        ),
    )


async def follow_payment(deps: Deps, conn: Conn, answer: Answer) -> None:
    """Records an event of payments in the inbox's transaction, in any order, any number of times."""
    found = await collections.of_payment(conn, context.merchant_id(), answer.id, answer.key)
    if found is not None:
        await record(conn, found, answer, deps.clock.now())


async def settle_due(deps: Deps, row: DueRow) -> None:
    """Follows an unfinished collection: the caller crashed or got no answer.

    One that could not be requested is given up after the kit's time, even on a due date when no
    shopper waits: its key is closed, and the part is charged again, with its current card and
    amount.
    """
    found = await deps.db.run(COLLECTIONS.get, row.merchant_id, row.id)
    if found is None or not rules.is_under_way(found):
        return
    if not found.giving_up:
        await asking.settle(deps.payments, AskedCollection(deps, found), age=row.age)
        return
    try:
        await give_up(deps, found)
    except (RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("payment not cancelled yet", reason=refusal.reason)


async def give_up(deps: Deps, intent: Collection) -> None:
    """Cancels the payment; if that is impossible, its state says why. Raises RemoteRefusal,
    ServiceUnavailable.
    """
    payment_id = intent.payment_id or ""
    answer = await deps.payments.cancel_or_get(payment_id, key=f"{intent.id}-cancel")
    await AskedCollection(deps, intent).answered(answer)
