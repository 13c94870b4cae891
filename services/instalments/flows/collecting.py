"""Ask payments for an instalment, and record what it answers.

The collection's id is the key under which payments is asked, so a repeat of any step is the same
payment. Whoever brings the answer, the caller, an event or the worker, records it here.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from libs import context
from libs.db import Conn
from libs.errors import InternalError, StoredRefusal, required
from libs.payments import asking, due
from libs.payments.answer import Answer, Intent, Outcome
from libs.payments.due import DueRow
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.rules import plans
from services.instalments.rules.plans import Collection, Instalment, Plan
from services.instalments.rules.states import CollectionState, PlanState
from services.instalments.store import collections
from services.instalments.store import plans as store
from services.instalments.store.collections import COLLECTIONS
from services.instalments.store.plans import PLANS


@dataclass(frozen=True, slots=True)
class AskedCollection:
    """A payment of one part. A no leaves the part to be paid."""

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
    """Any order, any number of times: only a collection under way is moved by an answer."""
    plan, current = await _locked(tx, asked)
    state = plans.told(current, answer.outcome)
    if state is None:
        if answer.outcome is Outcome.SUCCEED and current.state is not CollectionState.SUCCEEDED:
            asking.count_after_end(answer)
        return current
    after = replace(
        current,
        state=state,
        request=None,
        payment_id=answer.id,
        next_action_url=answer.next_action_url,
        decline=answer.decline,
    )
    if after != current:
        await collections.save(tx, after)
        await _follow(tx, plan, after, answer.outcome, now)
    return after


async def end(tx: Conn, asked: Collection, refusal: StoredRefusal | None, now: datetime) -> None:
    """Payments made no payment of it, nor will."""
    plan, current = await _locked(tx, asked)
    state = plans.told(current, Outcome.REFUSE)
    if state is not None:
        after = replace(current, state=state, request=None, refusal=refusal)
        await collections.save(tx, after)
        await _follow(tx, plan, after, Outcome.REFUSE, now)


async def _locked(tx: Conn, asked: Collection) -> tuple[Plan, Collection]:
    plan = required(await PLANS.lock(tx, asked.merchant_id, asked.plan_id), InternalError)
    current = required(await COLLECTIONS.get(tx, asked.merchant_id, asked.id), InternalError)
    return plan, current


async def _follow(
    tx: Conn, plan: Plan, collection: Collection, outcome: Outcome, now: datetime
) -> None:
    """What an end of the collection makes of its part and its plan."""
    if outcome is Outcome.WAIT:
        return
    parts = list(await store.parts(tx, plan.merchant_id, plan.id))
    index = collection.number - 1
    if outcome is not Outcome.SUCCEED:
        missed = plans.not_paid(parts[index], now, next_try=None)
        await store.save_parts(tx, [missed])
        await events.part_told(tx, plan, missed, now)
        return
    parts[index] = plans.paid(parts[index], collection.payment_id, now)
    after, changed = plan, [parts[index]]
    if plan.state not in {PlanState.ACTIVE, PlanState.DEFAULTED}:
        after, parts = _begun(plan, parts, now)
        changed = parts
    after = plans.completed(after, parts, now)
    await store.save_parts(tx, changed)
    await store.save(tx, after)
    await events.part_told(tx, after, parts[index], now)
    await events.plan_told(tx, plan, after, parts, now)


def _begun(plan: Plan, parts: list[Instalment], now: datetime) -> tuple[Plan, list[Instalment]]:
    active, dated = plans.activated(plan, parts, now)
    return active, list(dated)


async def follow_payment(deps: Deps, conn: Conn, answer: Answer) -> None:
    """An event of payments, in the inbox's transaction. Any order, any number of times."""
    found = await collections.of_payment(conn, context.merchant_id(), answer.id, answer.key)
    if found is not None:
        await record(conn, found, answer, deps.clock.now())


async def settle_due(deps: Deps, row: DueRow) -> None:
    """A collection without an end: the one who asked crashed or got no answer."""
    found = await deps.db.run(COLLECTIONS.get, row.merchant_id, row.id)
    if found is not None and plans.is_under_way(found):
        await asking.settle(deps.payments, AskedCollection(deps, found), age=row.age)
