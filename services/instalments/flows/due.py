"""Scheduled changes of plans: parts are charged, many of a merchant at once; offers expire; a missed
part costs a late fee, and puts its plan in default.

Claiming, beginning and recording take a few statements for a whole batch. Only payments is called
once per part.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from libs import ids
from libs.db import Conn
from libs.due import DueRow
from libs.errors import IdempotencyKeyInUse, RemoteRefusal, ServiceUnavailable, StoredRefusal
from libs.logs import log
from libs.payments import asking
from libs.payments.answer import Answer, Intent, Outcome
from libs.payments.saved_cards import SavedCard
from services.instalments.deps import Deps
from services.instalments.flows import charging, collecting
from services.instalments.flows.collecting import AskedCollection
from services.instalments.rules import collecting as rules
from services.instalments.rules.plans import (
    WAITING,
    Collection,
    Instalment,
    Plan,
    Shown,
    expired,
)
from services.instalments.store import collections
from services.instalments.store import plans as store
from services.instalments.store.plans import PLANS

Lock = Callable[[Conn, str, Sequence[str]], Awaitable[Sequence[Plan]]]


@dataclass(frozen=True, slots=True)
class DueParts:
    """Claimed parts of one merchant: plan and number of each."""

    merchant_id: str
    plan_ids: Sequence[str]
    numbers: Sequence[int]
    clock_offset_seconds: int = 0

    def but(self, plan_ids: Container[str]) -> "DueParts":
        pairs = zip(self.plan_ids, self.numbers, strict=True)
        left = [(plan_id, number) for plan_id, number in pairs if plan_id not in plan_ids]
        return replace(
            self,
            plan_ids=[plan_id for plan_id, _ in left],
            numbers=[number for _, number in left],
        )


async def collect_due(deps: Deps, due: DueParts) -> None:
    """Charges all parts together, except those of plans that others have locked, which come
    afterwards.
    """
    busy = await _collect(deps, due, store.free)
    if busy.numbers:
        await _collect(deps, busy, store.in_turn)


async def _collect(deps: Deps, due: DueParts, lock: Lock) -> DueParts:
    """Returns the parts that it could not lock. If this process dies, parts without an intent are
    claimed again; the others have a collection of their own.
    """
    intents, left = await _begin(deps, due, lock)
    answers = await asyncio.gather(*(_ask(deps, intent) for intent in intents))
    both = zip(intents, answers, strict=True)
    paid = [(intent, answer) for intent, answer in both if answer is not None]
    for intent, answer in await _record(deps, due.merchant_id, paid):
        await AskedCollection(deps, intent).answered(answer)
    return left


async def _begin(deps: Deps, due: DueParts, lock: Lock) -> tuple[Sequence[Collection], DueParts]:
    """Returns the committed intents, and the parts of plans that it could not lock. A part whose
    card is gone is missed.
    """
    wanted = await deps.db.run(store.cards_of, due.merchant_id, due.plan_ids)
    cards: dict[str, SavedCard | None] = dict.fromkeys(wanted)
    cards |= {card.instrument_id: card for card in await deps.saved_cards.of_ids(wanted)}
    claimed = set(zip(due.plan_ids, due.numbers, strict=True))
    now = deps.clock.now()
    intents: list[Collection] = []

    def begun(plan: Plan, part: Instalment) -> Instalment:
        """Unchanged if it must not be charged now, or if its card was not looked up."""
        is_ours = (plan.id, part.number) in claimed and rules.is_due(plan, part, now)
        if not is_ours or plan.instrument_id not in cards:
            return part
        card = cards[plan.instrument_id]
        if card is None:
            return rules.without_card(plan, part, now)
        collection_id = ids.new("icl")
        intent = charging.intent_of(
            deps, plan, part, card, collection_id=collection_id, by_customer=False
        )
        intents.append(intent)
        return rules.collecting(part)

    async with deps.db.transaction() as tx:
        plans = await _locked(tx, due.merchant_id, due.plan_ids, lock)
        pairs = []
        for before in plans:
            parts = [begun(before.plan, part) for part in before.parts]
            pairs.append((before, Shown(rules.watched(before.plan, parts), parts)))
        await collections.insert_all(tx, intents)
        await collecting.changed(tx, pairs, now)
    return intents, due.but({shown.plan.id for shown in plans})


@dataclass(frozen=True, slots=True)
class _Batch:
    """Like AskedCollection, but leaves successes to be recorded together."""

    alone: AskedCollection

    @property
    def intent(self) -> Intent:
        return self.alone.intent

    async def answered(self, answer: Answer) -> Answer | None:
        if answer.outcome is Outcome.SUCCEED:
            return answer
        await self.alone.answered(answer)
        return None

    async def refused(self, refusal: StoredRefusal | None) -> None:
        await self.alone.refused(refusal)

    async def unanswered(self) -> None:
        await self.alone.unanswered()


async def _ask(deps: Deps, intent: Collection) -> Answer | None:
    """Returns the answer that is still to be recorded. A failure does not affect the others."""
    try:
        return await asking.perform(deps.payments, _Batch(AskedCollection(deps, intent)))
    except (IdempotencyKeyInUse, RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("instalment not paid", reason=refusal.reason)
    return None


async def _record(
    deps: Deps, merchant_id: str, paid: Sequence[tuple[Collection, Answer]]
) -> Sequence[tuple[Collection, Answer]]:
    """Records all together, except those of plans that others have locked, which it returns."""
    answers = {intent.id: answer for intent, answer in paid}
    if not answers:
        return ()
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        plan_ids = [intent.plan_id for intent, _ in paid]
        plans = await _locked(tx, merchant_id, plan_ids, store.free)
        recorded = {shown.plan.id for shown in plans}
        ended: dict[str, list[Collection]] = {plan_id: [] for plan_id in recorded}
        for current in await collections.of_ids(tx, merchant_id, list(answers)):
            after = collecting.answered(current, answers[current.id])
            if current.plan_id in recorded and after != current:
                ended[current.plan_id].append(after)
        await collections.save_paid(tx, [each for several in ended.values() for each in several])
        pairs = [(before, _paid(before, ended[before.plan.id], now)) for before in plans]
        await collecting.changed(tx, pairs, now)
    return [(intent, answer) for intent, answer in paid if intent.plan_id not in recorded]


def _paid(before: Shown, ended: Sequence[Collection], now: datetime) -> Shown:
    for collection in ended:
        before = collecting.followed(before, collection, Outcome.SUCCEED, now)
    return before


async def _locked(
    tx: Conn, merchant_id: str, plan_ids: Sequence[str], lock: Lock
) -> Sequence[Shown]:
    plans = await lock(tx, merchant_id, plan_ids)
    parts = await store.parts_of(tx, merchant_id, [plan.id for plan in plans])
    return [Shown(plan, parts[plan.id]) for plan in plans]


async def check_plan(deps: Deps, due: DueRow) -> None:
    """Handles an expired offer, late fees and default. A second call finds nothing to do."""
    async with deps.db.transaction() as tx:
        plan = await PLANS.lock(tx, due.merchant_id, due.id)
        if plan is None:
            return
        before = Shown(plan, await store.parts(tx, plan.merchant_id, plan.id))
        now = deps.clock.now()
        if plan.state in WAITING:
            after = Shown(expired(plan, before.parts[0], now), before.parts)
        else:
            after = Shown(*rules.overdue(plan, before.parts, now))
        await collecting.changed(tx, [(before, after)], now)
